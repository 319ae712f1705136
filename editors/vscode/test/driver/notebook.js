// The cells of a notebook show what check prints of them.
const assert = require("node:assert/strict");
const path = require("node:path");
const vscode = require("vscode");
const { checkAll, root, shown } = require("./cli.js");
const { until } = require("./wait.js");

exports.tests = () => ({
  "findings in cells": async () => {
    const uri = vscode.Uri.file(path.join(root(), "notebook.ipynb"));
    const notebook = await vscode.workspace.openNotebookDocument(uri);
    await vscode.window.showNotebookDocument(notebook);
    const found = checkAll();
    const wanted = notebook.getCells().map((_, i) => found.get(`notebook.ipynb#${i}`) ?? []);
    assert.notEqual(wanted.flat().length, 0, "check finds nothing in the notebook");
    await until(() => notebook.getCells().map((cell) => shown(cell.document)), wanted);
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
  },
});
