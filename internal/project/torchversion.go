package project

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
	"github.com/ckpt-lsp/ckpt-lsp/internal/notebook"
)

var versionPattern = regexp.MustCompile(`^v?([0-9]+)(?:\.([0-9]+))?(?:[.+a-z].*)?$`)

// ParseTorchVersion reads a version such as "2.4" or "2.4.1+cu121", of which major and minor count.
func ParseTorchVersion(s string) (diagnostics.TorchVersion, bool) {
	m := versionPattern.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return diagnostics.TorchVersion{}, false
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	return diagnostics.TorchVersion{Major: major, Minor: minor}, true
}

// torchSources are the files of a directory that state the torch version, those that say what is required before those that say what is
// locked: a rule speaks of the oldest torch that the project allows.
var torchSources = []struct {
	name string
	read func(path string, data []byte) (diagnostics.TorchVersion, bool)
}{
	{pyproject, required(requirementsOfPyproject)},
	{"requirements.txt", required(requirementsOfList)},
	{"environment.yml", required(requirementsOfList)},
	{"environment.yaml", required(requirementsOfList)},
	{"setup.cfg", required(requirementsOfSetupConfig)},
	{"setup.py", required(requirementsOfSetup)},
	{"uv.lock", torchInLock},
	{"poetry.lock", torchInLock},
}

// required reads the version from the requirements that stand in a file: that of torch, or of a package that comes with one torch.
func required(requirements func(path string, data []byte) []string) func(path string, data []byte) (diagnostics.TorchVersion, bool) {
	return func(path string, data []byte) (diagnostics.TorchVersion, bool) {
		lines := requirements(path, data)
		for _, read := range []func(string) (diagnostics.TorchVersion, bool){lowestTorch, torchOfCompanion} {
			for _, line := range lines {
				if v, ok := read(line); ok {
					return v, true
				}
			}
		}
		return diagnostics.TorchVersion{}, false
	}
}

// ConfigurationFiles are patterns of the names of the files that hold the configuration or old findings, or tell the torch version.
func ConfigurationFiles() []string {
	out := []string{configFile, pyproject, "*baseline*.json", "*requirements*.txt"}
	for _, s := range torchSources {
		if !slices.Contains(out, s.name) && s.name != "requirements.txt" {
			out = append(out, s.name)
		}
	}
	return out
}

// Matters reports whether a file of this name is checked, or may say how: it is Python, a notebook, a configuration file or .gitignore.
func Matters(name string) bool {
	return isPython(name) || notebook.Is(name) || name == ".gitignore" || slices.ContainsFunc(ConfigurationFiles(), func(pattern string) bool {
		ok, _ := filepath.Match(pattern, name) // the patterns are sound
		return ok
	})
}

// torchVersionIn reads the version from what the directory says of its dependencies, and tells the file that says it, "" for none.
func torchVersionIn(dir string) (diagnostics.TorchVersion, string) {
	for _, s := range torchSources {
		path := filepath.Join(dir, s.name)
		data, err := files.Read(path)
		if err != nil {
			continue
		}
		if v, ok := s.read(path, data); ok {
			return v, path
		}
	}
	return diagnostics.TorchVersion{}, ""
}

func requirementsOfPyproject(_ string, data []byte) []string {
	var out []string
	for _, s := range readSound(data) {
		out = append(out, s.requirements()...)
	}
	return out
}

// requirementLists are the keys of pyproject.toml under which lists of requirements stand: PEP 621's, PEP 735's and uv's.
var requirementLists = regexp.MustCompile(`^(project\.dependencies|project\.optional-dependencies\..*|dependency-groups\..*|tool\.uv\.(dev|constraint)-dependencies)$`)

// poetryPackage are the keys under which Poetry holds the version of a package.
var poetryPackage = regexp.MustCompile(`^tool\.poetry\.(?:dependencies|dev-dependencies|group\.[^.]+\.dependencies)\.([\w-]+)(?:\.version)?$`)

// requirements are those that a setting of pyproject.toml holds.
func (s setting) requirements() []string {
	var out []string
	path := strings.Join(s.key, ".")
	switch v := s.value.(type) {
	case []element:
		for _, e := range v {
			if line, ok := e.value.(string); ok && requirementLists.MatchString(path) {
				out = append(out, line)
			}
		}
	case string:
		if m := poetryPackage.FindStringSubmatch(path); m != nil {
			if strings.TrimLeft(v, "0123456789") != v {
				v = "==" + v // as Poetry reads a bare version
			}
			out = append(out, m[1]+" "+v)
		}
	}
	return out
}

// included is a line of a list of requirements that names another one, as pip reads it.
var included = regexp.MustCompile(`^\s*(?:-\s+)?(?:-r|--requirement|-c|--constraint)[\s=]*([^\s#]+)`)

// requirementsOfList reads a list of requirements, a line each: pip's, with those it includes, or conda's, whose dependencies stand after
// dashes.
func requirementsOfList(path string, data []byte) []string {
	return requirementsOfLists(path, data, map[string]bool{path: true})
}

func requirementsOfLists(path string, data []byte, seen map[string]bool) []string {
	var out []string
	for line := range strings.Lines(string(data)) {
		out = append(out, line)
		m := included.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		next := filepath.Join(filepath.Dir(path), filepath.FromSlash(m[1]))
		if more, err := files.Read(next); err == nil && !seen[next] {
			seen[next] = true
			out = append(out, requirementsOfLists(next, more, seen)...)
		}
	}
	return out
}

// requirementsOfSetupConfig reads setuptools' setup.cfg: a requirement a line, the first perhaps after its key.
func requirementsOfSetupConfig(_ string, data []byte) []string {
	var out []string
	section := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, " \t\r\n")
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		if section != "options" && section != "options.extras_require" {
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok && line[0] != ' ' && line[0] != '\t' && !strings.ContainsAny(key, "<>!~") {
			line = value
		}
		out = append(out, line)
	}
	return out
}

// setup.py is read, not run: requirements stand in it as strings, or a message says what is required.
var (
	quotedRequirement = regexp.MustCompile(`["'](torch\w*\s*[<>=!~][^"']*)["']`)
	statedRequirement = regexp.MustCompile(`(?i)requires pytorch\s*>=?\s*([0-9]+(?:\.[0-9]+)?)`)
)

func requirementsOfSetup(_ string, data []byte) []string {
	var out []string
	for _, m := range quotedRequirement.FindAllSubmatch(data, -1) {
		out = append(out, string(m[1]))
	}
	if m := statedRequirement.FindSubmatch(data); m != nil {
		out = append(out, "torch>="+string(m[1]))
	}
	return out
}

// torchInLock reads the version that uv.lock or poetry.lock has locked. Where there are several, for other platforms, the lowest counts, and
// what is above the highest is ruled out.
func torchInLock(_ string, data []byte) (v diagnostics.TorchVersion, ok bool) {
	name := ""
	for _, s := range readSound(data) {
		value, _ := s.value.(string)
		switch strings.Join(s.key, ".") {
		case "package.name":
			name = value
		case "package.version":
			locked, valid := allowed("==" + value)
			if name != "torch" || !valid {
				continue
			}
			if !ok || locked.Before(v.Major, v.Minor) {
				v.Major, v.Minor = locked.Major, locked.Minor
			}
			if ok && (v.Below[0] > locked.Below[0] || v.Below[0] == locked.Below[0] && v.Below[1] > locked.Below[1]) {
				locked.Below = v.Below
			}
			v.Below, ok = locked.Below, true
		}
	}
	return v, ok
}
