package project

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// Inline are settings from a command line or an editor. They go before those of every file, and later ones before earlier ones.
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

// JSON adds the settings of an object that holds the keys of a configuration file, as an editor sends it. Paths are relative to dir.
func (in *Inline) JSON(dir, from string, object map[string]any) {
	at := &origin{path: from, dir: dir}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		entries, table := object[key].(map[string]any)
		if !table {
			*in = append(*in, setting{key: []string{key}, value: fromJSON(object[key]), from: at})
		}
		for _, entry := range slices.Sorted(maps.Keys(entries)) {
			*in = append(*in, setting{key: []string{key, entry}, value: fromJSON(entries[entry]), from: at})
		}
	}
}

// fromJSON is a value as readTOML gives it.
func fromJSON(value any) any {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	elements := []element{}
	for _, v := range list {
		elements = append(elements, element{value: v})
	}
	return elements
}

// Check tells of mistakes in the settings.
func (in Inline) Check(rules *diagnostics.Registry) error {
	_, err := buildConfig("", "", in, rules)
	return err
}
