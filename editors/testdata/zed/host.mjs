// What Zed offers to an extension, as far as ours asks for it: the settings of a language server, and a folder with a shell.

export const given = { settings: {}, path: "" };

export const getSettings = (location, category, key) => JSON.stringify(category === "lsp" && key === "ckpt-lsp" ? given.settings : {});

export class Worktree {
  id() {
    return 1n;
  }
  rootPath() {
    return "/work";
  }
  which(name) {
    return given.path ? `${given.path}/${name}` : undefined;
  }
  shellEnv() {
    return [["HOME", "/home/a"]];
  }
}

export class KeyValueStore {}

export class Project {}
