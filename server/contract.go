package server

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/internal/contract"
)

// showContract is the command that shows which saves feed which loads; its argument is the URI of a document, and without one it is
// all that the client works in. It returns the page's text.
const showContract = "ckpt-lsp.contract"

func (s *session) runShowContract(ctx context.Context, arguments []protocol.LSPAny) (any, error) {
	v := viewIn(ctx)
	var of string
	var contracts []contract.Contract
	var err error
	if len(arguments) == 0 || string(arguments[0]) == "null" {
		of, contracts, err = v.contracts(ctx)
	} else {
		var u string
		if u, err = argument[string](arguments, showContract+" takes one argument at most, the URI of a document"); err != nil {
			return nil, err
		}
		of, contracts, err = v.contractsOf(ctx, readURI(u))
	}
	if err != nil {
		return nil, err
	}
	page := contract.Markdown(of, contracts)
	if s.showDocument {
		at, err := s.pages.passingPage("contract-"+noName.ReplaceAllString(of, "-")+".md", []byte(page))
		if err == nil && s.show(ctx, at) {
			return protocol.String(page), nil
		}
	}
	return protocol.String(page), s.inform(protocol.MessageTypeInfo, page)
}

// noName is what the name of a page's file leaves out.
var noName = regexp.MustCompile(`[^\w.]+`)

// contractsOf are those of one file, open or on the disk, under its name. It fails with InvalidParams where there is none.
func (v *view) contractsOf(ctx context.Context, u uri.URI) (of string, _ []contract.Contract, err error) {
	d, err := opened(ctx, u)
	path, isFile := filePath(u)
	if d != nil {
		path = d.path
	} else if !isFile {
		return "", nil, err
	}
	f := v.folder(path)
	if _, unread := f.program.Unit(path).Source(); unread != nil {
		return "", nil, invalid(fmt.Sprintf("%s cannot be read: %v", path, unread))
	}
	contracts, err := f.contracts(ctx, []string{path}, filepath.Base)
	return filepath.Base(path), contracts, err
}

// contracts are those of all folders, under their names.
func (v *view) contracts(ctx context.Context) (of string, _ []contract.Contract, err error) {
	var names []string
	var out []contract.Contract
	for _, f := range v.folders {
		paths := v.open(f)
		root := f.workspace.Root()
		if f.rooted {
			names = append(names, filepath.Base(root))
			files, _, err := v.files(ctx, f)
			if err != nil {
				return "", nil, err
			}
			for _, path := range files {
				if !slices.Contains(paths, path) {
					paths = append(paths, path)
				}
			}
		}
		contracts, err := f.contracts(ctx, paths, func(path string) string {
			within, err := filepath.Rel(root, path)
			if err != nil || strings.HasPrefix(within, "..") {
				return path
			}
			if len(v.folders) > 1 {
				within = filepath.Join(filepath.Base(root), within)
			}
			return filepath.ToSlash(within)
		})
		if err != nil {
			return "", nil, err
		}
		out = append(out, contracts...)
	}
	if len(names) == 0 {
		names = []string{"the open files"}
	}
	return strings.Join(names, ", "), out, nil
}

// contracts are those of files of a folder, unsaved texts included.
func (f *folder) contracts(ctx context.Context, paths []string, show func(path string) string) ([]contract.Contract, error) {
	return contract.Read(ctx, f.workspace, f.program, paths, contract.Options{Tests: len(paths) == 1, Show: show})
}
