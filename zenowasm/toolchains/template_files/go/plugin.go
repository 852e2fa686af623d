// The plugin {{name}}: a slot that greets, to start from.
package main

func init() {
	Metadata = map[string]any{"name": "{{name}}", "version": "0.1.0", "description": "Greets"}
	Register(Slot{
		Name:        "{{name}}.greet",
		Description: "Greet someone",
		Example:     `{{name}}.greet { name: "World" }`,
		Inputs:      map[string]Input{"name": {Type: "string", Required: true}},
		Outputs:     map[string]Output{"message": {Type: "string"}},
		Run:         greet,
	})
}

func greet(call Call) (map[string]any, error) {
	word := "Hello"
	// Needs the permission to read the scope; without it, or without the variable, the word stays.
	if value, err := ScopeGet("greeting"); err == nil {
		if text, ok := value.(string); ok {
			word = text
		}
	}
	message := word + ", " + call.Text("name") + "!"
	Log("info", message)
	return map[string]any{"message": message}, nil
}
