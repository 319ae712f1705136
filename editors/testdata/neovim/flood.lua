-- 1,000 edits in a burst, the first half to a server that works, the second to one that is stopped.
local h = require("helpers")
h.open()
local last = vim.api.nvim_buf_line_count(0)
local server = h.server()
vim.api.nvim_buf_set_lines(0, last, last, false, { "" })
for i = 1, 1000 do
  if i == 501 then
    vim.loop.kill(server, "sigstop")
  end
  local line = vim.api.nvim_buf_get_lines(0, last, last + 1, false)[1]
  if i % 100 == 0 then -- a save of another checkpoint comes and goes further up
    local at = vim.fn.search("torch.save", "nw")
    vim.api.nvim_buf_set_lines(0, at - 1, at - 1, false, { "" })
    last = last + 1
  end
  vim.api.nvim_buf_set_text(0, last, #line, last, #line, { i % 50 == 1 and "# é😀" or tostring(i % 10) })
  if i % 10 == 0 then
    vim.wait(0) -- let the changes go out
  end
end
vim.wait(200)
vim.loop.kill(server, "sigcont")
h.record("expected.txt", vim.api.nvim_buf_get_lines(0, last, last + 1, false)[1] .. "\n")
h.finish()
