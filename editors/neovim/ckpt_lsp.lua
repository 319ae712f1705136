-- ckpt-lsp for Neovim 0.7 to 0.10. Copy this file to ~/.config/nvim/plugin/ckpt_lsp.lua. (0.11 and newer: lsp/ckpt_lsp.lua.)
-- Neovim runs several servers for one buffer, so this goes beside Pyright, Ruff and others.

local markers = { "ckpt-lsp.toml", "pyproject.toml", "setup.py", "requirements.txt", ".git" }

--- The nearest folder above a file that holds a marker, else the file's own.
local function root_of(file)
  local folder = vim.fn.fnamemodify(file, ":p:h")
  local nearest = ""
  for _, marker in ipairs(markers) do
    for _, find in ipairs({ vim.fn.findfile, vim.fn.finddir }) do
      local found = find(marker, vim.fn.fnameescape(folder) .. ";")
      local at = found ~= "" and vim.fn.fnamemodify(found, ":p:s?/$??:h") or ""
      if #at > #nearest then
        nearest = at
      end
    end
  end
  return nearest ~= "" and nearest or folder
end

--- Runs the file under `ckpt-lsp prove` in a terminal below.
local function prove(client, buffer)
  local params = { command = "ckpt-lsp.prove", arguments = { vim.uri_from_bufnr(buffer) } }
  client.request("workspace/executeCommand", params, function(err, run)
    if err or not run then
      vim.notify(err and err.message or "ckpt-lsp has nothing to run", vim.log.levels.ERROR)
      return
    end
    vim.cmd("botright new")
    vim.fn.termopen(run.argv, { cwd = run.cwd })
  end, buffer)
end

local clients = {} -- by root, for Neovim 0.7, which does not look for a client that runs already

local function start(buffer)
  local root = root_of(vim.api.nvim_buf_get_name(buffer))
  local config = {
    name = "ckpt-lsp",
    cmd = { "ckpt-lsp", "server" },
    root_dir = root,
    workspace_folders = { { uri = vim.uri_from_fname(root), name = vim.fn.fnamemodify(root, ":t") } },
    init_options = { terminal = true }, -- :CkptLspProve opens the terminal itself
    settings = {
      ["ckpt-lsp"] = {
        codeLens = true, -- "checkpoint 5 of 8" above saves
        inlayHints = false, -- what a load restores, the learning rate at resume
      },
    },
    on_attach = function(client, attached)
      vim.api.nvim_buf_create_user_command(attached, "CkptLspProve", function()
        prove(client, attached)
      end, { desc = "Stop and resume this script, and compare with a run that is not stopped" })
    end,
  }
  if vim.lsp.start then
    vim.lsp.start(config, { bufnr = buffer })
    return
  end
  if not (clients[root] and vim.lsp.get_client_by_id(clients[root])) then
    clients[root] = vim.lsp.start_client(config)
  end
  vim.lsp.buf_attach_client(buffer, clients[root])
end

vim.api.nvim_create_autocmd("FileType", {
  pattern = "python",
  callback = function(event)
    start(event.buf)
  end,
})
