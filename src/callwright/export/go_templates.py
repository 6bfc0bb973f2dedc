"""Chat templates in Go's language, for Ollama's TEMPLATE.

Ollama makes JSON of tools and arguments in Go before a template sees them: keys are sorted, no spaces are printed, and
`<`, `>` and `&` are escaped. A template cannot undo that, so a model sees other bytes than it was trained on, and this
way of serving is taken on request only. A request begins with the user's words, as nearly all do.

Ollama takes the first text inside `{{ if .ToolCalls }}`, up to a brace, for the marker of a call. So line breaks are
actions here, not text, and the marker is the first text there is.
"""

GO_TEMPLATES = {
    "xml/arguments": """\
{{- $role := "" -}}
{{- range .Messages -}}
{{- if eq .Role "assistant" -}}
{{- if $role -}}<end_of_turn>{{ "\\n" }}{{- end -}}
<start_of_turn>model{{ "\\n" }}{{ .Content }}
{{- if .ToolCalls }}{{ $text := .Content }}{{ range $n, $call := .ToolCalls }}
{{- if or $text $n }}{{ "\\n" }}{{ end -}}
<tool_call>{{ "\\n" }}{"name": {{ json $call.Function.Name }}, "arguments": {{ json $call.Function.Arguments }}}
{{- "\\n" }}</tool_call>
{{- end }}{{ end -}}
{{- $role = "assistant" -}}
{{- else if ne .Role "system" -}}
{{- if or (eq $role "") (eq $role "assistant") -}}
{{- if $role -}}<end_of_turn>{{ "\\n" }}{{- end -}}
<start_of_turn>user{{ "\\n" }}
{{- if eq $role "" -}}
{{- if $.Tools -}}
<tools>{{ "\\n" }}[{{ range $n, $tool := $.Tools }}{{ if $n }}, {{ end }}{{ json $tool.Function }}{{ end }}]{{ "\\n" -}}
</tools>{{ "\\n\\n" }}
{{- end -}}
{{- if $.System -}}{{ $.System }}{{ "\\n\\n" }}{{- end -}}
{{- end -}}
{{- else if and (eq $role "tool") (eq .Role "tool") -}}{{ "\\n" }}
{{- else -}}{{ "\\n\\n" }}
{{- end -}}
{{- if eq .Role "tool" -}}
<tool_response>{{ "\\n" }}{"name": {{ json .ToolName }}, "result": {{ json .Content }}}{{ "\\n" }}</tool_response>
{{- else -}}{{ .Content }}
{{- end -}}
{{- $role = .Role -}}
{{- end -}}
{{- end -}}
{{- if ne $role "assistant" -}}<end_of_turn>{{ "\\n" }}<start_of_turn>model{{ "\\n" }}{{- end -}}
"""
}
"""By the format's id: those formats whose calls Ollama's parser for templates understands."""
