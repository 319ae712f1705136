// What the command line prints of the same files, in VS Code's terms.
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const vscode = require("vscode");

const severities = ["error", "warning", "information", "hint"];

exports.root = () => vscode.workspace.workspaceFolders[0].uri.fsPath;

/** Runs ckpt-lsp in the workspace's folder, or in another one; code 1 means that there are findings. */
function cli(args, cwd = exports.root()) {
  const { status, stdout, stderr, error } = spawnSync(process.env.CKPT_LSP_CLI, args, { cwd, encoding: "utf8", maxBuffer: 1 << 28 });
  if (error || status > 1) {
    throw error ?? new Error(`ckpt-lsp ${args.join(" ")}: ${stderr}`);
  }
  return stdout;
}

/** The findings of a file, by their place: "12:3-12:9 warning CKP101". */
exports.check = (file, ...flags) => exports.checkAll(flags).get(path.relative(exports.root(), file)) ?? [];

/** The findings of all files, by path; those of notebooks by path and cell, counted from 0: "a.ipynb#2". */
exports.checkAll = (flags = []) => {
  const found = new Map();
  for (const d of JSON.parse(cli(["check", "--format", "json", ...flags])).diagnostics) {
    const name = d.cell === undefined ? d.path : `${d.path}#${d.cell - 1}`;
    const line = (p) => `${p.line}:${p.column}`;
    found.set(name, [...(found.get(name) ?? []), `${line(d.range.start)}-${line(d.range.end)} ${d.severity} ${d.code}`].sort());
  }
  return found;
};

/** A text after check --fix. */
exports.fixed = (text) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ckpt-fixed-"));
  try {
    fs.writeFileSync(path.join(dir, "train.py"), text);
    cli(["check", "--fix", "train.py"], dir);
    return fs.readFileSync(path.join(dir, "train.py"), "utf8");
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
};

/** The fixes that the command line offers for a code in a file, each with the text that it makes. */
exports.fixesOf = (file, text, code) =>
  JSON.parse(cli(["check", "--format", "json"])).diagnostics
    .filter((d) => d.path === path.relative(exports.root(), file) && d.code === code)
    .flatMap((d) => d.fixes)
    .map((fix) => ({ title: fix.title, text: edited(text, fix.edits) }));

/** A text after edits, whose columns count characters from 1. */
function edited(text, edits) {
  const lines = text.split("\n");
  const starts = [0];
  lines.forEach((line) => starts.push(starts.at(-1) + line.length + 1));
  const offset = (p) => starts[p.line - 1] + [...lines[p.line - 1]].slice(0, p.column - 1).join("").length;
  return edits
    .map((e) => ({ start: offset(e.range.start), end: offset(e.range.end), newText: e.newText }))
    .sort((a, b) => b.start - a.start)
    .reduce((out, e) => out.slice(0, e.start) + e.newText + out.slice(e.end), text);
}

/** The findings that VS Code shows for a document, as check has them. */
exports.shown = (document) =>
  vscode.languages
    .getDiagnostics(document.uri)
    .filter((d) => d.source === "ckpt-lsp")
    .map((d) => {
      const place = ({ line, character }) => `${line + 1}:${[...document.lineAt(line).text.slice(0, character)].length + 1}`;
      return `${place(d.range.start)}-${place(d.range.end)} ${severities[d.severity]} ${d.code.value ?? d.code}`;
    })
    .sort();
