package report

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
)

// The JUnit report, as Jenkins, GitLab and Azure read it: a suite for each file, a failed test for each finding. It holds to Jenkins's
// schema, which knows no line of a test; so the test is named by its place, which also keeps readers from taking two for one.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		File     string      `xml:"file,attr,omitempty"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		ClassName string        `xml:"classname,attr"`
		Failure   *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes a report in which a run without findings is one test that passed, because readers take an empty one for a
// run that never was.
func writeJUnit(w io.Writer, r *Report, _ Style) error {
	all := junitSuites{Name: "ckpt-lsp"}
	for i := range r.Files {
		f := &r.Files[i]
		places := newPlaces(r, f)
		suite := junitSuite{Name: f.Path, Tests: len(f.Diagnostics), Failures: len(f.Diagnostics), File: f.Path}
		for _, d := range f.Diagnostics {
			at, _ := places.of("", d.Span)
			suite.Cases = append(suite.Cases, junitCase{
				Name: fmt.Sprintf("%s %s at %s", d.Rule.Code, d.Rule.Name, at.within()), ClassName: f.Path,
				Failure: &junitFailure{Message: flat(d.Message), Type: d.Severity.String(), Text: fmt.Sprintf("%s %s\n%s", at.name(), d.Message, docs.URL(d.Rule))},
			})
		}
		all.Suites = append(all.Suites, suite)
		all.Tests += suite.Tests
		all.Failures += suite.Failures
	}
	if all.Tests == 0 {
		all.Tests = 1
		all.Suites = []junitSuite{{Name: "ckpt-lsp", Tests: 1, Cases: []junitCase{{Name: fmt.Sprintf("no findings in %s", Count(r.Checked, "file")), ClassName: "ckpt-lsp"}}}}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
