package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"go.lsp.dev/uri"
	"go.uber.org/zap"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
)

// pages are the Markdown files that the server lets the client open. Those of the rules stay in the cache directory, so that the
// links to them outlast the session; where that cannot be written, and for all other pages, there is a directory that goes with it.
type pages struct {
	// cache is the cache directory, "" for the user's own.
	cache string
	log   *zap.Logger

	mu      sync.Mutex
	rules   map[*diagnostics.Rule]uri.URI // written in this session; "" for those that could not be
	passing string                        // the directory that goes with the session, "" before its first page
}

// rule is the URI of a rule's page, which is written if it is not there yet.
func (p *pages) rule(r *diagnostics.Rule) (uri.URI, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, known := p.rules[r]
	if !known {
		if p.rules == nil {
			p.rules = map[*diagnostics.Rule]uri.URI{}
		}
		path, err := p.keep(r.Code+".md", []byte(docs.Page(r)))
		if err != nil {
			p.log.Warn("a page is not written", zap.String("rule", r.Code), zap.Error(err))
		} else {
			at = uri.File(path)
		}
		p.rules[r] = at
	}
	return at, at != ""
}

// passingPage is the URI of a page that goes with the session.
func (p *pages) passingPage(name string, page []byte) (uri.URI, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	path, err := p.pass(name, page)
	return uri.File(path), err
}

// keep writes a page into the cache, or where it goes with the session. The lock is held.
func (p *pages) keep(name string, page []byte) (path string, err error) {
	dir := p.cache
	if dir == "" {
		dir, err = os.UserCacheDir()
	}
	if err == nil {
		dir = filepath.Join(dir, "ckpt-lsp", "pages-"+edition())
		if err = os.MkdirAll(dir, 0o700); err == nil {
			path = filepath.Join(dir, name)
			if err = writeWhole(path, page); err == nil {
				return path, nil
			}
		}
	}
	passing, failed := p.pass(name, page)
	if failed != nil {
		return "", errors.Join(err, failed)
	}
	return passing, nil
}

// pass writes a page that goes with the session. The lock is held.
func (p *pages) pass(name string, page []byte) (path string, err error) {
	if p.passing == "" {
		if p.passing, err = os.MkdirTemp("", "ckpt-lsp-"); err != nil {
			return "", err
		}
	}
	path = filepath.Join(p.passing, name)
	return path, writeWhole(path, page)
}

// remove deletes what goes with the session.
func (p *pages) remove() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.passing == "" {
		return nil
	}
	return os.RemoveAll(p.passing)
}

// edition tells the pages of one build of the server from those of another, which may run beside it.
var edition = sync.OnceValue(func() string {
	all := sha256.New()
	for _, r := range diagnostics.Product.Rules() {
		all.Write([]byte(docs.Page(r)))
	}
	return hex.EncodeToString(all.Sum(nil))[:12]
})

// writeWhole writes a file so that nobody finds half of it; one that holds the same already is left alone.
func writeWhole(path string, content []byte) error {
	if there, err := files.Read(path); err == nil && bytes.Equal(there, content) {
		return nil
	}
	_, err := files.Write(path, content)
	return err
}
