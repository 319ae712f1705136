-- All safe fixes by the command, which has made them when it is done.
local h = require("helpers")
h.open()
vim.cmd("CkptLspFixAll")
vim.cmd("write")
h.wait("the findings to go", function() return not h.shows("CKP101") end) -- 0.10 would ask for them after its farewell
vim.cmd("qall!")
