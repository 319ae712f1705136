---@brief
---
--- https://github.com/ckpt-lsp/ckpt-lsp
---
--- A language server that finds what breaks resuming and repeating PyTorch training runs: incomplete checkpoints, states that are
--- not restored, epochs trained twice, ranks that overwrite each other's files, seeds that do not hold. It writes the fixes.
---
--- It runs beside a type checker and other linters. Install it with `pip install ckpt-lsp`; in a virtual environment it is found
--- when Neovim is started there.

---@type vim.lsp.Config
return {
  cmd = { 'ckpt-lsp', 'server' },
  filetypes = { 'python' },
  root_markers = { 'ckpt-lsp.toml', 'pyproject.toml', 'setup.py', 'requirements.txt', '.git' },
}
