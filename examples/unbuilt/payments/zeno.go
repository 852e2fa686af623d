// What a plugin in Go needs of ZenoEngine: the five exports, the eight host functions, memory.
//
// The plugin calls Register in init for each slot and sets Metadata; JSON is encoding/json's.

package main

import (
	"encoding/json"
	"errors"
	"unsafe"
)

// Input describes a parameter of a slot.
type Input struct {
	Type        string `json:"type"`
	Required    bool   `json:"required"`
	Default     any    `json:"default,omitempty"`
	Description string `json:"description,omitempty"`
}

// Output describes a value that a slot sets.
type Output struct {
	Type string `json:"type"`
}

// Call is one call of a slot. Config is the plugin's configuration, as the manifest declares it.
type Call struct {
	Slot       string
	Parameters map[string]any
	Config     map[string]any
}

// Text returns a parameter as text, "" if it is missing or something else.
func (call Call) Text(name string) string {
	text, _ := call.Parameters[name].(string)
	return text
}

// Setting returns a configuration value as text, "" if it is missing.
func (call Call) Setting(name string) string {
	text, _ := call.Config[name].(string)
	return text
}

// Slot is one slot: what it is called, what it takes, and what runs it.
type Slot struct {
	Name        string                                  `json:"name"`
	Description string                                  `json:"description,omitempty"`
	Example     string                                  `json:"example,omitempty"`
	Inputs      map[string]Input                        `json:"inputs,omitempty"`
	Outputs     map[string]Output                       `json:"outputs,omitempty"`
	Run         func(call Call) (map[string]any, error) `json:"-"`
}

// Metadata is what plugin_init answers.
var Metadata = map[string]any{}

var slots = []Slot{}

// Register adds a slot.
func Register(slot Slot) {
	slots = append(slots, slot)
}

// Log writes to the host's log; level is debug, info, warn or error.
func Log(level, message string) {
	levelPointer, levelLength := textOf(level)
	messagePointer, messageLength := textOf(message)
	hostLog(levelPointer, levelLength, messagePointer, messageLength)
}

// Query runs SQL with bound parameters on a connection of the host's and returns the rows.
func Query(connection, sql string, parameters ...any) ([]map[string]any, error) {
	var data struct{ Rows []map[string]any }
	err := ask(hostDBQuery, map[string]any{"connection": connection, "sql": sql, "params": parameters}, &data)
	return data.Rows, err
}

// Response is what an HTTP server answered; Body is text, or the JSON that it stands for.
type Response struct {
	Status  int
	Headers map[string]any
	Body    any
}

// Request makes an HTTP request. A body that is not text goes out as JSON.
func Request(method, url string, headers map[string]string, body any) (Response, error) {
	var response Response
	request := map[string]any{"method": method, "url": url, "headers": headers}
	if body != nil {
		request["body"] = body
	}
	err := ask(hostHTTPRequest, request, &response)
	return response, err
}

// ScopeGet returns a variable of the script's.
func ScopeGet(name string) (any, error) {
	var data struct{ Value any }
	pointer, length := textOf(name)
	err := answer(hostScopeGet(pointer, length), &data)
	return data.Value, err
}

// ScopeSet sets a variable of the script's.
func ScopeSet(name string, value any) error {
	return tell(hostScopeSet, map[string]any{"key": name, "value": value}, "the variable cannot be set")
}

// FileRead returns a file's contents.
func FileRead(path string) (string, error) {
	var data struct{ Content string }
	pointer, length := textOf(path)
	err := answer(hostFileRead(pointer, length), &data)
	return data.Content, err
}

// FileWrite writes a file.
func FileWrite(path, content string) error {
	return tell(hostFileWrite, map[string]any{"path": path, "content": content}, "the file cannot be written")
}

// Env returns a variable of the environment, "" if it is not set or not permitted.
func Env(name string) string {
	pointer, length := textOf(name)
	return terminated(hostEnvGet(pointer, length))
}

//go:wasmimport env host_log
func hostLog(level unsafe.Pointer, levelLength uint32, message unsafe.Pointer, messageLength uint32)

//go:wasmimport env host_db_query
func hostDBQuery(request unsafe.Pointer, length uint32) uint32

//go:wasmimport env host_http_request
func hostHTTPRequest(request unsafe.Pointer, length uint32) uint32

//go:wasmimport env host_scope_get
func hostScopeGet(name unsafe.Pointer, length uint32) uint32

//go:wasmimport env host_scope_set
func hostScopeSet(request unsafe.Pointer, length uint32) uint32

//go:wasmimport env host_file_read
func hostFileRead(path unsafe.Pointer, length uint32) uint32

//go:wasmimport env host_file_write
func hostFileWrite(request unsafe.Pointer, length uint32) uint32

//go:wasmimport env host_env_get
func hostEnvGet(name unsafe.Pointer, length uint32) uint32

func textOf(text string) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.StringData(text)), uint32(len(text))
}

func ask(function func(unsafe.Pointer, uint32) uint32, request, data any) error {
	encoded, err := json.Marshal(request)
	if err != nil {
		return err
	}
	pointer, length := textOf(string(encoded))
	return answer(function(pointer, length), data)
}

func tell(function func(unsafe.Pointer, uint32) uint32, request any, failure string) error {
	encoded, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if pointer, length := textOf(string(encoded)); function(pointer, length) == 0 {
		return errors.New(failure)
	}
	return nil
}

// answer decodes what a host function replied into data.
func answer(pointer uint32, data any) error {
	var reply struct {
		Success bool
		Data    json.RawMessage
		Error   string
	}
	if err := json.Unmarshal([]byte(terminated(pointer)), &reply); err != nil {
		return errors.New("the host gave no answer")
	}
	if !reply.Success {
		return errors.New(reply.Error)
	}
	return json.Unmarshal(reply.Data, data)
}

// terminated returns a copy of the text that the host wrote into memory of ours.
func terminated(pointer uint32) string {
	buffer := kept[pointer]
	for length, character := range buffer {
		if character == 0 {
			return string(buffer[:length])
		}
	}
	return string(buffer)
}

// What the host was given room for, and the last answer: kept from the garbage collector until the call is over.
var (
	kept  = map[uint32][]byte{}
	reply []byte
)

//go:wasmexport alloc
func alloc(size uint32) uint32 {
	buffer := make([]byte, max(size, 1))
	pointer := uint32(uintptr(unsafe.Pointer(&buffer[0])))
	kept[pointer] = buffer
	return pointer
}

func respond(value any) uint32 {
	encoded, err := json.Marshal(value)
	if err != nil {
		encoded = []byte(`{"success":false,"error":"the answer has no form in JSON"}`)
	}
	reply = append(encoded, 0)
	return uint32(uintptr(unsafe.Pointer(&reply[0])))
}

//go:wasmexport plugin_init
func pluginInit() uint32 {
	return respond(Metadata)
}

//go:wasmexport plugin_register_slots
func pluginRegisterSlots() uint32 {
	return respond(slots)
}

//go:wasmexport plugin_execute
func pluginExecute(_, _, requestPointer, requestLength uint32) uint32 {
	var request struct {
		SlotName   string         `json:"slot_name"`
		Parameters map[string]any `json:"parameters"`
		Context    struct {
			Config map[string]any `json:"config"`
		} `json:"context"`
	}
	err := json.Unmarshal(kept[requestPointer][:requestLength], &request)
	var data map[string]any
	if err == nil {
		data, err = run(Call{request.SlotName, request.Parameters, request.Context.Config})
	}
	clear(kept)
	if err != nil {
		return respond(map[string]any{"success": false, "error": err.Error()})
	}
	return respond(map[string]any{"success": true, "data": data})
}

func run(call Call) (map[string]any, error) {
	for _, slot := range slots {
		if slot.Name == call.Slot {
			return slot.Run(call)
		}
	}
	return nil, errors.New("unknown slot")
}

//go:wasmexport plugin_cleanup
func pluginCleanup() {
	clear(kept)
	reply = nil
}

func main() {}
