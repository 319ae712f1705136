package project

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	pep440 "github.com/aquasecurity/go-pep440-version"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

var (
	// torchRequirement is a requirement as PEP 508 writes it. conda calls the package pytorch, and lists it behind a dash, perhaps with its
	// channel.
	torchRequirement = regexp.MustCompile(`(?i)^\s*(?:-\s+)?["']?(?:[\w-]+::)?(?:py)?torch\s*(?:\[[^\]]*\])?\s*\(?\s*([<>=!~^][^;#"'\\]*)`)
	// companionRequirement is the same for any package, with its name.
	companionRequirement = regexp.MustCompile(`(?i)^\s*(?:-\s+)?["']?(?:[\w-]+::)?([a-z][\w-]*)\s*\(?\s*([<>=!~^][^;#"'\\]*)`)
	// clause is an operator of PEP 440, "^" or "~" of Poetry, or conda's "=", with its version; conda's build may follow behind another "=".
	clause = regexp.MustCompile(`^\s*(\^|~=|~|={1,3}|!=|<=?|>=?)?\s*v?([0-9][0-9A-Za-z.*!_-]*)`)
)

// candidate is a version that is asked whether it is allowed.
type candidate struct {
	pep440.Version
	major, minor int
}

// lowestTorch is the lowest version of torch that a requirement allows, with the first above that it rules out; ok is false if the line is
// not about torch or gives no lower bound.
func lowestTorch(requirement string) (v diagnostics.TorchVersion, ok bool) {
	m := torchRequirement.FindStringSubmatch(requirement)
	if m == nil {
		return v, false
	}
	constraint, _, _ := strings.Cut(m[1], " --") // pip's options, such as hashes
	return allowed(constraint)
}

// torchOfCompanion is the torch that a requirement of another package brings, where that package comes with exactly one.
func torchOfCompanion(requirement string) (v diagnostics.TorchVersion, ok bool) {
	m := companionRequirement.FindStringSubmatch(requirement)
	if m == nil {
		return v, false
	}
	constraint, _, _ := strings.Cut(m[2], " --")
	own, ok := allowed(constraint)
	if !ok {
		return v, false
	}
	name := strings.ToLower(m[1])
	needs, ok := torch.RequiredBy(name, torch.Version{Major: own.Major, Minor: own.Minor})
	if !ok {
		return v, false
	}
	v.Major, v.Minor = needs.Major, needs.Minor
	if below, ok := torch.RequiredBy(name, torch.Version{Major: own.Below[0], Minor: own.Below[1]}); ok {
		v.Below = [2]int{below.Major, below.Minor}
	}
	return v, true
}

// allowed is the lowest version that clauses allow, with the first above that they rule out together with all later ones.
func allowed(constraint string) (v diagnostics.TorchVersion, ok bool) {
	var alternatives []string
	var candidates []candidate
	for alternative := range strings.SplitSeq(constraint, "||") {
		var clauses []string
		for text := range strings.SplitSeq(alternative, ",") {
			c := clause.FindStringSubmatch(text)
			if c == nil {
				continue
			}
			release := releaseOf(c[2])
			clauses = append(clauses, normalized(c[1], c[2], release)...)
			candidates = append(candidates, around(c[2], release)...)
		}
		if len(clauses) > 0 {
			alternatives = append(alternatives, strings.Join(clauses, ","))
		}
	}
	if len(alternatives) == 0 {
		return v, false
	}
	allows, err := pep440.NewSpecifiers(strings.Join(alternatives, "||"), pep440.WithPreRelease(true))
	if err != nil || allows.Check(pep440.MustParse("0.0.1")) {
		return v, false
	}
	var lowest, highest *candidate
	for i := range candidates {
		c := &candidates[i]
		if !allows.Check(c.Version) {
			continue
		}
		if lowest == nil || c.LessThan(lowest.Version) {
			lowest = c
		}
		if highest == nil || c.GreaterThan(highest.Version) {
			highest = c
		}
	}
	if lowest == nil {
		return v, false
	}
	v.Major, v.Minor = lowest.major, lowest.minor
	if allows.Check(pep440.MustParse("9999")) {
		return v, true
	}
	for _, c := range candidates {
		above := c.major > highest.major || c.major == highest.major && c.minor > highest.minor
		if below := v.Below; above && (below == [2]int{} || c.major < below[0] || c.major == below[0] && c.minor < below[1]) {
			v.Below = [2]int{c.major, c.minor}
		}
	}
	return v, true
}

// releaseOf are the first three numbers of a version, 0 where it has fewer.
func releaseOf(version string) (release [3]int) {
	for i, part := range strings.SplitN(version, ".", 4) {
		digits := part[:len(part)-len(strings.TrimLeft(part, "0123456789"))]
		n, err := strconv.Atoi(digits)
		if i == len(release) || err != nil {
			break
		}
		release[i] = n
	}
	return release
}

// normalized are the clauses of PEP 440 that mean an operator with a version.
func normalized(operator, version string, release [3]int) []string {
	plain := strings.TrimSuffix(version, ".*")
	switch operator {
	case "^":
		next := fmt.Sprintf("<%d", release[0]+1)
		if release[0] == 0 {
			next = fmt.Sprintf("<0.%d", release[1]+1)
		}
		return []string{">=" + plain, next}
	case "~":
		next := fmt.Sprintf("<%d.%d", release[0], release[1]+1)
		if !strings.Contains(plain, ".") {
			next = fmt.Sprintf("<%d", release[0]+1)
		}
		return []string{">=" + plain, next}
	case "=":
		return []string{"==" + plain + ".*"}
	case "~=":
		if !strings.Contains(plain, ".") {
			plain += ".0"
		}
		return []string{operator + plain}
	case "", "==", "===":
		return []string{"==" + version}
	case "!=":
		return []string{operator + version}
	}
	return []string{operator + plain}
}

// around are the versions near one at which what is allowed may change: itself, its first release, and the next of each kind.
func around(version string, r [3]int) []candidate {
	var out []candidate
	for _, c := range []struct {
		text         string
		major, minor int
	}{
		{strings.TrimSuffix(version, ".*"), r[0], r[1]},
		{fmt.Sprintf("%d.%d", r[0], r[1]), r[0], r[1]},
		{fmt.Sprintf("%d.%d.%d", r[0], r[1], r[2]+1), r[0], r[1]},
		{fmt.Sprintf("%d.%d", r[0], r[1]+1), r[0], r[1] + 1},
		{fmt.Sprintf("%d", r[0]+1), r[0] + 1, 0},
	} {
		if v, err := pep440.Parse(c.text); err == nil {
			out = append(out, candidate{v, c.major, c.minor})
		}
	}
	return out
}
