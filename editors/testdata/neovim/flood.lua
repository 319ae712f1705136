-- 1,000 edits in a burst, the first half to a server that works, the second to one that is stopped.
local h = require("helpers")
h.open()
local last = vim.api.nvim_buf_line_count(0)
local server = h.server()
local answers = 0
vim.api.nvim_buf_set_lines(0, last, last, false, { "" })
for i = 1, 1000 do
  if i == 501 then
    vim.loop.kill(server, "sigstop")
  end
  local line = vim.api.nvim_buf_get_lines(0, last, last + 1, false)[1]
  if i % 100 == 0 then -- a line further up, which moves all that follows
    local at = vim.fn.search("torch.save", "nw")
    vim.api.nvim_buf_set_lines(0, at - 1, at - 1, false, { "" })
    last = last + 1
  end
  vim.api.nvim_buf_set_text(0, last, #line, last, #line, { i % 50 == 1 and "# é😀" or tostring(i % 10) })
  -- A request sends the change at once, which Neovim else collects for 150 ms.
  vim.lsp.buf_request(0, "textDocument/hover", vim.lsp.util.make_position_params(0, "utf-16"), function()
    answers = answers + 1
  end)
end
vim.wait(200)
vim.loop.kill(server, "sigcont")
h.wait("the answers", function() return answers == 1000 end)
h.record("expected.txt", vim.api.nvim_buf_get_lines(0, last, last + 1, false)[1] .. "\n")
h.finish()
