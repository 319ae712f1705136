package project

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
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

var (
	// conda calls the package pytorch, and lists it behind a dash, perhaps with its channel.
	torchRequirement = regexp.MustCompile(`(?i)^\s*(?:-\s+)?["']?(?:[\w-]+::)?(?:py)?torch\s*(?:\[[^\]]*\])?\s*\(?\s*([<>=!~^][^;#"']*)`)
	// A lower bound of PEP 440; "^" is Poetry's, and "=" conda's, with which a build may follow behind another.
	lowerBound = regexp.MustCompile(`^\s*(={1,3}|>=?|~=|\^)\s*(v?[0-9][^\s,)=]*)`)
	upperBound = regexp.MustCompile(`^\s*(={1,3}|<=?|~=|\^)\s*(v?[0-9][^\s,)=]*)`)
)

// lowestTorch is the lowest version of torch that a requirement in the form of PEP 508 allows, with the first above that it rules
// out; ok is false if the line is not about torch or gives no lower bound.
func lowestTorch(requirement string) (v diagnostics.TorchVersion, ok bool) {
	m := torchRequirement.FindStringSubmatch(requirement)
	if m == nil {
		return v, false
	}
	for clause := range strings.SplitSeq(m[1], ",") {
		b := lowerBound.FindStringSubmatch(clause)
		if b == nil {
			continue
		}
		low, valid := ParseTorchVersion(strings.TrimSuffix(b[2], ".*"))
		if valid && (!ok || v.Before(low.Major, low.Minor)) {
			v, ok = low, true
		}
	}
	for clause := range strings.SplitSeq(m[1], ",") {
		if b := upperBound.FindStringSubmatch(clause); b != nil && ok {
			v.Below = ruledOut(b[1], strings.TrimSuffix(b[2], ".*"), v.Below)
		}
	}
	return v, ok
}

// ruledOut is the first version that a clause rules out together with all later ones, or the bound known before if that is lower.
func ruledOut(operator, version string, known [2]int) [2]int {
	v, valid := ParseTorchVersion(version)
	if !valid {
		return known
	}
	bound := [2]int{v.Major, v.Minor + 1}
	switch {
	case operator == "<" && strings.Count(version, ".") < 2:
		bound[1]--
	case operator == "^", operator == "~=" && strings.Count(version, ".") < 2, operator == "=" && strings.Count(version, ".") < 1:
		bound = [2]int{v.Major + 1, 0}
	}
	if known != [2]int{} && (known[0] < bound[0] || known[0] == bound[0] && known[1] < bound[1]) {
		return known
	}
	return bound
}

// requirementLists are the files that hold a requirement on each line: pip's, and conda's, whose dependencies stand behind dashes.
var requirementLists = []string{"requirements.txt", "environment.yml", "environment.yaml"}

// torchVersionIn reads the version from what the directory says of its dependencies: pyproject.toml, then the lists of requirements,
// then setup.py.
func torchVersionIn(dir string) (diagnostics.TorchVersion, bool) {
	if data, err := os.ReadFile(filepath.Join(dir, "pyproject.toml")); err == nil {
		settings, _ := readTOML("pyproject.toml", data)
		for _, s := range settings {
			for _, requirement := range requirements(s) {
				if v, ok := lowestTorch(requirement); ok {
					return v, true
				}
			}
		}
	}
	for _, name := range requirementLists {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if v, ok := lowestTorch(line); ok {
				return v, true
			}
		}
	}
	if data, err := os.ReadFile(filepath.Join(dir, "setup.py")); err == nil {
		for _, m := range quotedRequirement.FindAllSubmatch(data, -1) {
			if v, ok := lowestTorch(string(m[1])); ok {
				return v, true
			}
		}
		if m := statedRequirement.FindSubmatch(data); m != nil {
			return ParseTorchVersion(string(m[1]))
		}
	}
	return diagnostics.TorchVersion{}, false
}

// setup.py is read, not run: requirements stand in it as strings, or a message says what is required.
var (
	quotedRequirement = regexp.MustCompile(`["'](torch\s*[<>=!~][^"']*)["']`)
	statedRequirement = regexp.MustCompile(`(?i)requires pytorch\s*>=?\s*([0-9]+(?:\.[0-9]+)?)`)
)

// requirements are the requirement lines that a setting of pyproject.toml holds: PEP 621's lists and Poetry's tables.
func requirements(s setting) []string {
	path := strings.Join(s.key, ".")
	switch list, isList := s.value.([]element); {
	case isList && (path == "project.dependencies" || strings.HasPrefix(path, "project.optional-dependencies.")):
		var out []string
		for _, e := range list {
			if line, ok := e.value.(string); ok {
				out = append(out, line)
			}
		}
		return out
	case path == "tool.poetry.dependencies.torch" || path == "tool.poetry.dependencies.torch.version":
		version, _ := s.value.(string)
		if parsed, ok := ParseTorchVersion(version); ok {
			return []string{"torch==" + strconv.Itoa(parsed.Major) + "." + strconv.Itoa(parsed.Minor)}
		}
		return []string{"torch" + version}
	}
	return nil
}
