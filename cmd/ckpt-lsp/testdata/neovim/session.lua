-- One session in a real Neovim: findings appear, the quick fix is applied, its findings go, the file is saved.
-- SERVER and FILE are in the environment. Neovim 0.7 and newer.
local path = vim.env.FILE
vim.cmd("edit " .. path)
vim.bo.filetype = "python"
local client = vim.lsp.start_client({ name = "ckpt-lsp", cmd = { vim.env.SERVER, "server" }, root_dir = vim.fn.fnamemodify(path, ":h") })
vim.lsp.buf_attach_client(0, client)

local function codes()
  local found = {}
  for _, d in ipairs(vim.diagnostic.get(0)) do
    found[#found + 1] = tostring(d.code or (d.user_data and d.user_data.lsp.code))
  end
  table.sort(found)
  return table.concat(found, " ")
end

local function wait(what, condition)
  if not vim.wait(20000, condition, 20) then
    io.stdout:write("timeout: " .. what .. ", findings: " .. codes() .. "\n")
    vim.cmd("cquit 1")
  end
end

wait("findings", function() return codes():find("CKP101") ~= nil end)
vim.ui.select = function(items, _, choose)
  for i, item in ipairs(items) do
    local action = item.action or item[2]
    if action.title == "Complete this checkpoint" then
      choose(item, i)
      return
    end
  end
end
local line = vim.fn.search("torch.save", "w")
vim.api.nvim_win_set_cursor(0, { line, 14 })
vim.lsp.buf.code_action()
wait("fixed", function() return codes():find("CKP101") == nil and codes():find("CKP102") == nil end)
vim.cmd("write")
vim.cmd("qall!")
