package codeactions

import (
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// measureRestored measures a restored model as the training loop does.
func measureRestored(s *sheet, r diagnostics.MeasureRestored) (Fix, bool) {
	if !s.ownLine(r.After) || strings.ContainsAny(r.Call.Text()+r.Saved.Text(), "\r\n") {
		return Fix{}, false
	}
	s.linesAfter(r.After, fmt.Sprintf("print(%s, %s, %s, %s)", s.str(r.Name+" of the restored model:"), r.Call.Text(), s.str("when it was saved:"), r.Saved.Text()))
	return s.fix(Fix{
		Title:         "Measure the restored model",
		Applicability: diagnostics.Unsafe,
		Why:           "the start takes longer, and a validation that draws random numbers moves the generators",
	}), true
}

// verifySave opens the file as the archive it is, and compares the checksums of its members.
func verifySave(s *sheet, r diagnostics.VerifySave) (Fix, bool) {
	stmt, path, ok := s.written(r.Save)
	_, old := pysem.Args(r.Save.Node).Keyword["_use_new_zipfile_serialization"]
	if !ok || !r.Save.Path.Known || old || strings.ContainsAny(path.Text(), "\r\n") {
		return Fix{}, false
	}
	s.linesAfter(stmt,
		fmt.Sprintf("with %s.ZipFile(%s) as archive:", s.module("zipfile"), path.Text()),
		"\tif archive.testzip() is not None:",
		fmt.Sprintf("\t\traise RuntimeError(%s)", s.str("damaged checkpoint")),
	)
	return s.fix(Fix{
		Title:         "Read the file back and compare its checksums",
		Applicability: diagnostics.Unsafe,
		Why:           "each save takes longer, and a damaged file ends the program",
	}), true
}
