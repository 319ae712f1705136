-- The server is killed over an unsaved edit. The text stays, and the next server, started by a new FileType as `:edit` causes,
-- knows it and mends it.
local h = require("helpers")
h.open()
vim.api.nvim_buf_set_lines(0, 0, 0, false, { "# unsaved when the server died" })
local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n")
vim.loop.kill(h.server(), "sigkill")
h.wait("the end of the server", function() return #h.clients() == 0 end)
assert(text == table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n"), "the text was lost")
vim.diagnostic.reset()
vim.cmd("doautocmd FileType python")
h.wait("findings of the new server", function() return h.shows("CKP101") end)
h.complete()
h.finish()
