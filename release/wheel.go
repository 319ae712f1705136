package main

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
)

// What the packages say of the project.
const summary = "Find and fix what breaks resuming and repeating PyTorch training runs"

var keywords = []string{"pytorch", "checkpoint", "resume", "seed", "reproducibility", "linter", "lsp"}

//go:embed files/__main__.py
var pythonMain []byte

// wheel writes the wheel of a platform: the bare binary, which pip puts beside python, and a module that starts it.
func (r *release) wheel(b built, t texts) error {
	name := "ckpt_lsp-" + r.version.python()
	info := name + ".dist-info/"
	entries := []entry{
		{"ckpt_lsp/__init__.py", nil, false},
		{"ckpt_lsp/__main__.py", pythonMain, false},
		{name + ".data/scripts/" + b.binaryName(), b.binary, true},
		{info + "METADATA", r.metadata(t), false},
		{info + "WHEEL", wheelFile(b.tags), false},
		{info + "licenses/LICENSE", t.license, false},
		{info + "licenses/NOTICE", b.notice, false},
	}
	record, err := recordFile(entries, info+"RECORD")
	if err != nil {
		return err
	}
	return r.write(b.wheelName(r.version), append(entries, entry{info + "RECORD", record, false}))
}

func (r *release) metadata(t texts) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, `Metadata-Version: 2.4
Name: ckpt-lsp
Version: %s
Summary: %s
License-Expression: MIT
License-File: LICENSE
License-File: NOTICE
Author: the ckpt-lsp authors
Requires-Python: >=3.7
Keywords: %[6]s
Classifier: Environment :: Console
Classifier: Intended Audience :: Developers
Classifier: Intended Audience :: Science/Research
Classifier: Operating System :: OS Independent
Classifier: Programming Language :: Python :: 3
Classifier: Topic :: Scientific/Engineering :: Artificial Intelligence
Classifier: Topic :: Software Development :: Quality Assurance
Project-URL: Documentation, %[5]s
Project-URL: Repository, %[3]s
Project-URL: Issues, %[3]s/issues
Project-URL: Changelog, %[3]s/blob/main/CHANGELOG.md
Description-Content-Type: text/markdown

%s`, r.version.python(), summary, repository, t.readme, site, strings.Join(keywords, ","))
	return out.Bytes()
}

func wheelFile(tags []string) []byte {
	var out bytes.Buffer
	fmt.Fprint(&out, "Wheel-Version: 1.0\nGenerator: ckpt-lsp release\nRoot-Is-Purelib: false\n")
	for _, tag := range tags {
		fmt.Fprintf(&out, "Tag: py3-none-%s\n", tag)
	}
	return out.Bytes()
}

// recordFile lists the entries of a wheel with their hashes, and itself without one.
func recordFile(entries []entry, self string) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	for _, e := range entries {
		if err := w.Write([]string{e.name, recordHash(e.data), strconv.Itoa(len(e.data))}); err != nil {
			return nil, err
		}
	}
	if err := w.Write([]string{self, "", ""}); err != nil {
		return nil, err
	}
	w.Flush()
	return out.Bytes(), w.Error()
}
