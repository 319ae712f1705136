;;; ckpt-lsp.el --- ckpt-lsp for Eglot  -*- lexical-binding: t -*-

;; For Emacs 29 and newer, or 26.3 and newer with Eglot from ELPA. Copy this into your init file.
;;
;; Eglot runs one server for a mode. With these lines it is ckpt-lsp; to work with another Python server beside it, put a
;; multiplexer such as rassumfrassum (`rass') in front of both, or use lsp-mode, whose clients may be add-ons.

(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs
               '((python-mode python-ts-mode) . ("ckpt-lsp" "server"))))

(add-hook 'python-mode-hook #'eglot-ensure)
(add-hook 'python-ts-mode-hook #'eglot-ensure)

;;; ckpt-lsp.el ends here
