package project

import (
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// Inline are settings from a command line. They go before those of every file, and later ones before earlier ones.
type Inline []setting

// TOML adds what one --config says: a key and its value, in TOML. Paths are relative to dir.
func (in *Inline) TOML(dir, line string) error {
	name := fmt.Sprintf("--config '%s'", line)
	settings, err := readTOML(name, []byte(line))
	if err != nil {
		return fmt.Errorf("%s: expected a file, or a key and its value in TOML, as 'torch-version = \"2.4\"': %w", name, err)
	}
	for i := range settings {
		settings[i].from = &origin{path: name, dir: dir}
	}
	*in = append(*in, settings...)
	return nil
}

// Flag adds what an option says of a key: a string, a list of strings or a truth. Paths are relative to dir.
func (in *Inline) Flag(dir, flag, key string, value any) {
	if list, ok := value.([]string); ok {
		elements := []element{}
		for _, v := range list {
			elements = append(elements, element{value: strings.TrimSpace(v)})
		}
		value = elements
	}
	*in = append(*in, setting{key: []string{key}, value: value, from: &origin{path: flag, dir: dir, flag: true}})
}

// Check tells of mistakes in the settings.
func (in Inline) Check(rules *diagnostics.Registry) error {
	_, err := buildConfig("", "", in, rules)
	return err
}
