-- ckpt-lsp for Neovim 0.11 and newer. Copy this file to ~/.config/nvim/lsp/ckpt_lsp.lua and put this into init.lua:
--
--     vim.lsp.enable("ckpt_lsp")
--
-- Neovim runs several servers for one buffer, so this goes beside Pyright, Ruff and others.

local patience = 3000 -- milliseconds that a save may wait for the fixes

--- Runs the file under `ckpt-lsp prove` in a terminal below.
local function prove(client, buffer)
  local params = { command = "ckpt-lsp.prove", arguments = { vim.uri_from_bufnr(buffer) } }
  client:request("workspace/executeCommand", params, function(err, run)
    if err or not run then
      vim.notify(err and err.message or "ckpt-lsp has nothing to run", vim.log.levels.ERROR)
      return
    end
    vim.cmd("botright new")
    vim.fn.jobstart(run.argv, { cwd = run.cwd, term = true })
  end, buffer)
end

--- Makes all safe fixes, and waits for them, so that a file that is being saved is saved with them.
local function fix_all(client, buffer)
  local function ask(method, params)
    local answer, err = client:request_sync(method, params, patience, buffer)
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
  if vim.lsp.codelens.enable then -- 0.12 and newer do it themselves, after vim.lsp.codelens.enable(true)
    return
  end
  local function refresh()
    local params = { textDocument = { uri = vim.uri_from_bufnr(buffer) } }
    client:request("textDocument/codeLens", params, vim.lsp.codelens.on_codelens, buffer)
  end
  vim.api.nvim_create_autocmd({ "BufEnter", "InsertLeave", "TextChanged", "BufWritePost" }, {
    group = vim.api.nvim_create_augroup("ckpt-lsp-lenses-" .. buffer, {}), -- of the last client only
    buffer = buffer,
    callback = refresh,
  })
  refresh()
end

return {
  cmd = { "ckpt-lsp", "server" },
  filetypes = { "python" },
  root_markers = { "ckpt-lsp.toml", "pyproject.toml", "setup.py", "requirements.txt", ".git" },
  init_options = { terminal = true }, -- :CkptLspProve opens the terminal itself
  settings = {
    ["ckpt-lsp"] = {
      codeLens = true, -- "checkpoint 5 of 8" above saves; vim.lsp.codelens.run() makes its fix
      inlayHints = false, -- what a load restores, the learning rate at resume
    },
  },
  on_attach = function(client, buffer)
    sort_by_severity(client)
    show_lenses(client, buffer)
    vim.api.nvim_buf_create_user_command(buffer, "CkptLspProve", function()
      prove(client, buffer)
    end, { desc = "Stop and resume this script, and compare with a run that is not stopped" })
    vim.api.nvim_buf_create_user_command(buffer, "CkptLspFixAll", function()
      fix_all(client, buffer)
    end, { desc = "Make all safe fixes" })
    vim.api.nvim_create_autocmd("BufWritePre", {
      group = vim.api.nvim_create_augroup("ckpt-lsp-" .. buffer, {}), -- of the last client only
      buffer = buffer,
      callback = function()
        if vim.g.ckpt_lsp_fix_on_save then
          fix_all(client, buffer)
        end
      end,
    })
  end,
}
