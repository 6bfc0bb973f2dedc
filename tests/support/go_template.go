// Renders the template in a file as Ollama renders a TEMPLATE: with its functions, on messages and tools that come as
// JSON on standard input.
package main

import (
	"encoding/json"
	"os"
	"text/template"
)

type Call struct {
	Function struct {
		Name      string
		Arguments map[string]any
	}
}

type Message struct {
	Role, Content, ToolName string
	ToolCalls               []Call
}

type Tool struct {
	Function struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Parameters  any    `json:"parameters"`
	}
}

type Request struct {
	System   string
	Messages []*Message
	Tools    []Tool
}

func main() {
	var request Request
	if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil {
		panic(err)
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	asJSON := func(value any) string { made, _ := json.Marshal(value); return string(made) }
	made := template.Must(template.New("").Funcs(template.FuncMap{"json": asJSON}).Parse(string(text)))
	if err := made.Execute(os.Stdout, request); err != nil {
		panic(err)
	}
}
