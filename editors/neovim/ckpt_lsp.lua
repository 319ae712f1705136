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

local patience = 3000 -- milliseconds that a save may wait for the fixes

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

--- Makes all safe fixes, and waits for them, so that a file that is being saved is saved with them.
local function fix_all(client, buffer)
  local function ask(method, params)
    local answer, err = client.request_sync(method, params, patience, buffer)
    err = err or (not answer and "no answer") or (answer.err and answer.err.message)
    if err then
      vim.notify("ckpt-lsp: nothing is fixed: " .. err, vim.log.levels.WARN)
    end
    return not err and answer.result or nil
  end
  local start = { line = 0, character = 0 }
  local actions = ask("textDocument/codeAction", {
    textDocument = { uri = vim.uri_from_bufnr(buffer) },
    range = { start = start, ["end"] = start },
    context = { only = { "source.fixAll.ckpt-lsp" }, diagnostics = {} },
  })
  for _, action in ipairs(actions or {}) do
    action = action.edit and action or ask("codeAction/resolve", action)
    if action and action.edit then
      vim.lsp.util.apply_workspace_edit(action.edit, client.offset_encoding)
    end
  end
end

--- Shows the worst finding of a line first, whatever the configuration says of other sources.
local function sort_by_severity(client)
  local provider = client.server_capabilities.diagnosticProvider
  for _, pulled in ipairs({ false, true }) do
    local namespace = vim.lsp.diagnostic.get_namespace(client.id, pulled, provider and provider.identifier)
    vim.diagnostic.config({ severity_sort = true }, namespace)
  end
end

--- Shows the code lenses, now and as the file changes.
local function show_lenses(client, buffer)
  local function refresh()
    local params = { textDocument = { uri = vim.uri_from_bufnr(buffer) } }
    client.request("textDocument/codeLens", params, vim.lsp.codelens.on_codelens, buffer)
  end
  vim.api.nvim_create_autocmd({ "BufEnter", "InsertLeave", "TextChanged", "BufWritePost" }, {
    group = vim.api.nvim_create_augroup("ckpt-lsp-lenses-" .. buffer, {}), -- of the last client only
    buffer = buffer,
    callback = refresh,
  })
  refresh()
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
        codeLens = true, -- "checkpoint 5 of 8" above saves; vim.lsp.codelens.run() makes its fix
        inlayHints = false, -- what a load restores, the learning rate at resume
      },
    },
    on_attach = function(client, attached)
      sort_by_severity(client)
      show_lenses(client, attached)
      vim.api.nvim_buf_create_user_command(attached, "CkptLspProve", function()
        prove(client, attached)
      end, { desc = "Stop and resume this script, and compare with a run that is not stopped" })
      vim.api.nvim_buf_create_user_command(attached, "CkptLspFixAll", function()
        fix_all(client, attached)
      end, { desc = "Make all safe fixes" })
      vim.api.nvim_create_autocmd("BufWritePre", {
        group = vim.api.nvim_create_augroup("ckpt-lsp-" .. attached, {}), -- of the last client only
        buffer = attached,
        callback = function()
          if vim.g.ckpt_lsp_fix_on_save then
            fix_all(client, attached)
          end
        end,
      })
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
