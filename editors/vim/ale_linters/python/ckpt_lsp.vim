" ckpt-lsp for Vim 8 and newer with ALE. Copy this file to ~/.vim/ale_linters/python/ckpt_lsp.vim, and the lines in vimrc
" to your own: ALE runs those linters of Python that g:ale_linters names.

call ale#Set('python_ckpt_lsp_executable', 'ckpt-lsp')

function! CkptLspProjectRoot(buffer) abort
  for l:marker in ['ckpt-lsp.toml', 'pyproject.toml', 'setup.py', 'requirements.txt']
    let l:found = ale#path#FindNearestFile(a:buffer, l:marker)
    if !empty(l:found)
      return fnamemodify(l:found, ':h')
    endif
  endfor
  let l:git = ale#path#FindNearestDirectory(a:buffer, '.git')
  return empty(l:git) ? expand('#' . a:buffer . ':p:h') : fnamemodify(l:git, ':h:h')
endfunction

call ale#linter#Define('python', {
\   'name': 'ckpt_lsp',
\   'lsp': 'stdio',
\   'executable': {b -> ale#Var(b, 'python_ckpt_lsp_executable')},
\   'command': '%e server',
\   'project_root': function('CkptLspProjectRoot'),
\   'language': 'python',
\})
