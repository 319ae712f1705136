-- Findings and a code lens appear, a hover tells of the save, the quick fix is applied, its findings go, the lens says so, the file is saved.
local h = require("helpers")
h.open()
if vim.lsp.codelens.enable then
  vim.lsp.codelens.enable(true)
end
h.at_save()
local answers = vim.lsp.buf_request_sync(0, "textDocument/hover", vim.lsp.util.make_position_params(0, "utf-16"), 60000)
for _, answer in pairs(answers) do
  h.record("hover.txt", answer.result.contents.value)
end
h.wait("a code lens", function() return h.lens():find("add optimizer", 1, true) end)
h.record("sorted.txt", h.sorted())
h.complete()
vim.cmd("write")
h.wait("the code lens of what is saved", function() return h.lens():find("checkpoint", 1, true) and not h.lens():find("optimizer", 1, true) end)
vim.cmd("qall!")
