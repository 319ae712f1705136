-- All safe fixes when the file is saved, of a text that the server has not seen yet. The server is stopped meanwhile, so that a save
-- that does not wait comes before the fixes.
local h = require("helpers")
h.open()
vim.g.ckpt_lsp_fix_on_save = true
local server = h.server()
vim.api.nvim_buf_set_lines(0, 0, 0, false, { "# typed just before the save" })
vim.loop.kill(server, "sigstop")
vim.defer_fn(function() vim.loop.kill(server, "sigcont") end, 500)
vim.cmd("write")
h.wait("the findings to go", function() return not h.shows("CKP101") end) -- 0.10 would ask for them after its farewell
vim.cmd("qall!")
