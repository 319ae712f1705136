-- :CkptLspProve opens a terminal with the command line that the server gives.
local h = require("helpers")
h.open()
local run = vim.fn.has("nvim-0.11") == 1 and "jobstart" or "termopen"
local opened
local original = vim.fn[run]
vim.fn[run] = function(argv, options)
  opened = argv
  return original(argv, options)
end
vim.cmd("CkptLspProve")
h.wait("a terminal", function() return vim.bo.buftype == "terminal" end)
h.record("terminal.txt", table.concat(opened, " "))
vim.cmd("qall!")
