package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// webhook checks what the API signs: HMAC-SHA256 of "time.payload", in hexadecimal digits, after "v1=" in the header.
// The time is signed too, so that an old webhook cannot be sent again. While a secret is changed there are two v1.
func webhook(call Call) (map[string]any, error) {
	secret := call.Setting("webhook_secret")
	if secret == "" {
		return nil, errors.New("no webhook_secret is configured")
	}
	payload := call.Text("payload")
	signed, signatures := "", []string{}
	for _, part := range strings.Split(call.Text("signature"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			signed = value
		case "v1":
			signatures = append(signatures, value)
		}
	}
	seconds, err := strconv.ParseInt(signed, 10, 64)
	if err != nil || len(signatures) == 0 {
		return nil, errors.New("the signature is not of the form t=...,v1=...")
	}
	code := hmac.New(sha256.New, []byte(secret))
	code.Write([]byte(signed + "." + payload))
	wanted := code.Sum(nil)
	genuine := false
	for _, signature := range signatures {
		given, err := hex.DecodeString(signature)
		// hmac.Equal takes the same time wherever the first difference is.
		genuine = genuine || err == nil && hmac.Equal(given, wanted)
	}
	if !genuine {
		return nil, errors.New("the signature does not fit the payload")
	}
	if away := time.Since(time.Unix(seconds, 0)).Abs(); away > tolerance(call) {
		return nil, errors.New("the webhook is too old, or from the future")
	}
	var event map[string]any
	if err := json.Unmarshal([]byte(payload), &event); err != nil {
		return nil, errors.New("the payload is not a JSON object")
	}
	return map[string]any{"event": event}, nil
}

func tolerance(call Call) time.Duration {
	switch value := call.Config["webhook_tolerance"].(type) {
	case float64:
		return time.Duration(value) * time.Second
	case string:
		seconds, _ := strconv.Atoi(value)
		return time.Duration(seconds) * time.Second
	}
	return 0
}

func newKey() string {
	key := make([]byte, 16)
	rand.Read(key)
	return hex.EncodeToString(key)
}
