-- What the sessions share. Neovim 0.7 and newer.
local M = {}

M.file = vim.env.FILE
local home = vim.env.HOME

function M.clients()
  return (vim.lsp.get_clients or vim.lsp.get_active_clients)()
end

--- The findings shown, as "LINE CODE", sorted.
function M.findings()
  local found = {}
  for _, d in ipairs(vim.diagnostic.get(0)) do
    found[#found + 1] = (d.lnum + 1) .. " " .. tostring(d.code or (d.user_data and d.user_data.lsp.code))
  end
  table.sort(found)
  return found
end

function M.shows(code)
  return table.concat(M.findings(), "\n"):find(code, 1, true) ~= nil
end

function M.wait(what, condition)
  if not vim.wait(60000, condition, 20) then
    io.stdout:write("timeout: " .. what .. "; findings:\n" .. table.concat(M.findings(), "\n") .. "\n")
    vim.cmd("cquit 1")
  end
end

--- The titles of the code lenses.
function M.lens()
  local titles = {}
  for _, lens in ipairs(vim.lsp.codelens.get(vim.fn.has("nvim-0.12") == 1 and { bufnr = 0 } or 0)) do
    lens = lens.lens or lens
    titles[#titles + 1] = lens.command and lens.command.title or ""
  end
  return table.concat(titles, "\n")
end

--- What is said of the order of our findings, and of those of all sources.
function M.sorted()
  local ours = vim.diagnostic.config(nil, vim.diagnostic.get(0)[1].namespace)
  return tostring(ours.severity_sort) .. " " .. tostring(vim.diagnostic.config().severity_sort)
end

--- Opens the file and waits for the server's first word.
function M.open()
  vim.cmd("edit " .. vim.fn.fnameescape(M.file))
  M.wait("findings", function() return M.shows("CKP101") end)
end

--- Chooses the code action of a title from now on.
function M.choose(title)
  vim.ui.select = function(items, _, choose)
    for i, item in ipairs(items) do
      if (item.action or item[2]).title == title then
        choose(item, i)
        return
      end
    end
    io.stdout:write("no action " .. title .. " among " .. vim.inspect(items) .. "\n")
    vim.cmd("cquit 1")
  end
end

--- Puts the cursor on the call of torch.save.
function M.at_save()
  vim.fn.cursor(1, 1)
  vim.api.nvim_win_set_cursor(0, { vim.fn.search("torch.save", "w"), 14 })
end

--- Makes the quick fix at the save.
function M.complete()
  M.choose("Complete this checkpoint")
  M.at_save()
  vim.lsp.buf.code_action()
  M.wait("the fix", function() return not M.shows("CKP101") and not M.shows("CKP102") end)
end

function M.record(name, text)
  local f = assert(io.open(home .. "/" .. name, "w"))
  f:write(text)
  f:close()
end

--- The process number of the server that was started last, from the proxy's log.
function M.server()
  local pid
  for line in io.lines(home .. "/session.log") do
    pid = tonumber(line:match('^{"Session":%d+,"Time":"[^"]*","Server":(%d+)}$')) or pid
  end
  return assert(pid, "no server in the log")
end

--- Saves, waits until the findings are those of `check` in the saved file, writes them down, and ends.
function M.finish()
  vim.cmd("write")
  local report = vim.fn.json_decode(vim.fn.system({ vim.env.PROXY_SERVER, "check", "--exit-zero", "--format", "json", M.file }))
  local want = {}
  for _, d in ipairs(report.diagnostics) do
    want[#want + 1] = d.range.start.line .. " " .. d.code
  end
  table.sort(want)
  M.wait("the findings of check:\n" .. table.concat(want, "\n"), function()
    return table.concat(M.findings(), "\n") == table.concat(want, "\n")
  end)
  M.record("findings.txt", table.concat(M.findings(), "\n"))
  vim.cmd("qall!")
end

return M
