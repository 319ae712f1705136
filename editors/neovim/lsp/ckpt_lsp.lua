-- ckpt-lsp for Neovim 0.11 and newer. Copy this file to ~/.config/nvim/lsp/ckpt_lsp.lua and put this into init.lua:
--
--     vim.lsp.enable("ckpt_lsp")
--
-- Neovim runs several servers for one buffer, so this goes beside Pyright, Ruff and others.

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

return {
  cmd = { "ckpt-lsp", "server" },
  filetypes = { "python" },
  root_markers = { "ckpt-lsp.toml", "pyproject.toml", "setup.py", "requirements.txt", ".git" },
  init_options = { terminal = true }, -- :CkptLspProve opens the terminal itself
  settings = {
    ["ckpt-lsp"] = {
      codeLens = true, -- "checkpoint 5 of 8" above saves
      inlayHints = false, -- what a load restores, the learning rate at resume
    },
  },
  on_attach = function(client, buffer)
    vim.api.nvim_buf_create_user_command(buffer, "CkptLspProve", function()
      prove(client, buffer)
    end, { desc = "Stop and resume this script, and compare with a run that is not stopped" })
  end,
}
