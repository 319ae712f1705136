// Asks the compiled extension what Zed asks, once for each case on the standard input, and prints the answers.
import { readFileSync } from "node:fs";
import * as extension from "./extension/ckpt_lsp_zed.js";
import { given, Worktree } from "./host.mjs";

const json = (text) => (text === undefined ? null : JSON.parse(text));

extension.initExtension();
const answers = JSON.parse(readFileSync(0, "utf8")).map((asked) => {
  Object.assign(given, asked);
  const worktree = new Worktree();
  try {
    const { command, args, env } = extension.languageServerCommand("ckpt-lsp", worktree);
    return {
      line: [command, ...args],
      env: Object.fromEntries(env),
      options: json(extension.languageServerInitializationOptions("ckpt-lsp", worktree)),
      configuration: json(extension.languageServerWorkspaceConfiguration("ckpt-lsp", worktree)),
    };
  } catch (error) {
    return { error: error.payload ?? error.stack };
  }
});
console.log(JSON.stringify(answers));
