// Opens files of the workspace and brings them back to what they were.
const fs = require("node:fs");
const path = require("node:path");
const vscode = require("vscode");
const { root } = require("./cli.js");

/** Opens a file in an editor. */
exports.open = async (name) => {
  const document = await vscode.workspace.openTextDocument(path.join(root(), name));
  await vscode.window.showTextDocument(document);
  return document;
};

/** Replaces the whole text of a document. */
exports.replace = async (document, text) => {
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), text);
  if (!(await vscode.workspace.applyEdit(edit))) {
    throw new Error("VS Code refused an edit");
  }
};

/** Runs work on a file and gives the file its text back afterwards, on the disk too. */
exports.borrowing = (name, work) => async () => {
  const document = await exports.open(name);
  const before = document.getText();
  try {
    await work(document);
  } finally {
    await exports.replace(document, before);
    await document.save();
  }
};

/** The position of a text in a document, moved by some characters. */
exports.positionOf = (document, text, by = 0) => {
  const at = document.getText().indexOf(text);
  if (at < 0) {
    throw new Error(`the document does not hold ${text}`);
  }
  return document.positionAt(at + by);
};

exports.scenarios = () =>
  fs.readdirSync(root()).filter((name) => fs.existsSync(path.join(root(), name, "train.py"))).map((name) => `${name}/train.py`);

exports.families = () => fs.readdirSync(path.join(root(), "families")).map((name) => `families/${name}`);
