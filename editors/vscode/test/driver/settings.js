// Settings take effect while the server runs.
const assert = require("node:assert/strict");
const vscode = require("vscode");
const { checkAll } = require("./cli.js");
const { open } = require("./documents.js");
const { untilShown } = require("./wait.js");

const train = "1_resnet_resume/train.py";

/** Sees the findings with a setting, and the former ones after it is gone. */
const changing = (name, value, wanted) => async () => {
  const document = await open(train);
  const before = checkAll().get(train);
  const section = vscode.workspace.getConfiguration("ckpt-lsp");
  await untilShown(document, before);
  await section.update(name, value, vscode.ConfigurationTarget.Workspace);
  try {
    assert.notDeepEqual(wanted(before), before, "the setting would change nothing");
    await untilShown(document, wanted(before));
  } finally {
    await section.update(name, undefined, vscode.ConfigurationTarget.Workspace);
  }
  await untilShown(document, before);
};

exports.tests = () => ({
  ignore: changing("ignore", ["CKP101"], () => checkAll(["--ignore", "CKP101"]).get(train)),
  select: changing("select", ["CKP101"], () => checkAll(["--select", "CKP101"]).get(train)),
  extendSelect: changing("extendSelect", ["CKP116", "CKP213", "CKP412"], () => checkAll(["--extend-select", "CKP116,CKP213,CKP412"]).get(train)),
  severity: changing("severity", { CKP101: "error" }, (before) => before.map((line) => line.replace("warning CKP101", "error CKP101")).sort()),
  enable: changing("enable", false, () => []),
});
