// The plugin payments: charges, refunds and signed webhooks of a payment API in the style of Stripe's.
package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// What fails on the way, or in the server, is tried again under the same idempotency key: the API then does it once.
const attempts = 3

func init() {
	money := map[string]Input{
		"amount":          {Type: "int", Required: true, Description: "In the smallest unit, such as cents"},
		"currency":        {Type: "string", Required: true, Description: "Three letters of ISO 4217"},
		"source":          {Type: "string", Required: true, Description: "A token that stands for the payer's card"},
		"description":     {Type: "string"},
		"idempotency_key": {Type: "string", Description: "Two charges with one key are one; else one is made up"},
	}
	Metadata = map[string]any{"name": "payments", "version": "1.0.0", "license": "Apache-2.0",
		"description": "Charges, refunds and signed webhooks of a payment API"}
	Register(Slot{Name: "payments.charge", Description: "Take an amount from a payer", Inputs: money,
		Example: `payments.charge { amount: 1999, currency: "eur", source: $token }`,
		Outputs: map[string]Output{"charge": {Type: "object"}}, Run: charge})
	Register(Slot{Name: "payments.refund", Description: "Give back a charge, or a part of it",
		Inputs: map[string]Input{"charge": {Type: "string", Required: true}, "amount": {Type: "int"},
			"idempotency_key": {Type: "string"}},
		Outputs: map[string]Output{"refund": {Type: "object"}}, Run: refund})
	Register(Slot{Name: "payments.list", Description: "List charges, the newest first",
		Inputs:  map[string]Input{"limit": {Type: "int", Default: 10}, "after": {Type: "string"}},
		Outputs: map[string]Output{"charges": {Type: "list"}, "more": {Type: "bool"}}, Run: list})
	Register(Slot{Name: "payments.webhook", Description: "Check the signature of a webhook and return its event",
		Inputs: map[string]Input{"payload": {Type: "string", Required: true, Description: "The body, byte for byte"},
			"signature": {Type: "string", Required: true, Description: "The header, such as t=1,v1=ab..."}},
		Outputs: map[string]Output{"event": {Type: "object"}}, Run: webhook})
}

func charge(call Call) (map[string]any, error) {
	amount, err := wholeNumber(call, "amount")
	if err != nil {
		return nil, err
	}
	form := url.Values{"amount": {amount}, "currency": {call.Text("currency")}, "source": {call.Text("source")}}
	if text := call.Text("description"); text != "" {
		form.Set("description", text)
	}
	made, err := post(call, "/charges", form)
	return map[string]any{"charge": made}, err
}

func refund(call Call) (map[string]any, error) {
	form := url.Values{"charge": {call.Text("charge")}}
	if _, given := call.Parameters["amount"]; given {
		amount, err := wholeNumber(call, "amount")
		if err != nil {
			return nil, err
		}
		form.Set("amount", amount)
	}
	made, err := post(call, "/refunds", form)
	return map[string]any{"refund": made}, err
}

func list(call Call) (map[string]any, error) {
	query := url.Values{"limit": {"10"}}
	if _, given := call.Parameters["limit"]; given {
		limit, err := wholeNumber(call, "limit")
		if err != nil {
			return nil, err
		}
		query.Set("limit", limit)
	}
	if after := call.Text("after"); after != "" {
		query.Set("starting_after", after)
	}
	found, err := send(call, "GET", "/charges?"+query.Encode(), nil, "")
	if err != nil {
		return nil, err
	}
	return map[string]any{"charges": found["data"], "more": found["has_more"] == true}, nil
}

func post(call Call, path string, form url.Values) (map[string]any, error) {
	key := call.Text("idempotency_key")
	if key == "" {
		key = newKey()
	}
	return send(call, "POST", path, form, key)
}

// send makes a request until it is answered for good, and returns the object that the API answers.
func send(call Call, method, path string, form url.Values, key string) (map[string]any, error) {
	secret := Env("PAYMENTS_KEY")
	if secret == "" {
		return nil, errors.New("the environment has no PAYMENTS_KEY, the key of the payment API")
	}
	headers := map[string]string{"Authorization": "Bearer " + secret}
	var body any
	if method == "POST" {
		headers["Content-Type"] = "application/x-www-form-urlencoded"
		headers["Idempotency-Key"] = key
		body = form.Encode()
	}
	var failure error
	for range attempts {
		response, err := Request(method, call.Setting("url")+path, headers, body)
		if err != nil {
			failure = err
			continue
		}
		answer, _ := response.Body.(map[string]any)
		if response.Status >= 200 && response.Status < 300 && answer != nil {
			return answer, nil
		}
		failure = refused(response.Status, answer)
		if response.Status < 500 {
			break
		}
	}
	return nil, failure
}

func refused(status int, answer map[string]any) error {
	details, _ := answer["error"].(map[string]any)
	if message, ok := details["message"].(string); ok {
		return fmt.Errorf("the payment API answered %d: %s", status, message)
	}
	return fmt.Errorf("the payment API answered %d", status)
}

func wholeNumber(call Call, name string) (string, error) {
	number, ok := call.Parameters[name].(float64)
	if !ok || number != float64(int64(number)) || number <= 0 {
		return "", fmt.Errorf("%s must be a whole number above 0", name)
	}
	return strconv.FormatInt(int64(number), 10), nil
}
