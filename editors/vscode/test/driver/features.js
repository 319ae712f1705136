// What VS Code shows beside findings.
const assert = require("node:assert/strict");
const vscode = require("vscode");
const { check } = require("./cli.js");
const { borrowing, positionOf } = require("./documents.js");
const { until, untilShown } = require("./wait.js");

const train = "1_resnet_resume/train.py";
const ask = (name, document, ...args) => vscode.commands.executeCommand(`vscode.execute${name}`, document.uri, ...args);

exports.tests = () => ({
  "hover on a save": borrowing(train, async (document) => {
    await untilShown(document, check(document.uri.fsPath));
    const [finding] = vscode.languages.getDiagnostics(document.uri).filter((d) => d.code?.value === "CKP101");
    const hovers = await ask("HoverProvider", document, finding.range.start);
    const said = hovers.flatMap((h) => h.contents).map((c) => c.value ?? c).join("\n");
    assert.match(said, /^\*\*Training checkpoint\*\*: \d of \d\n[^]*Missing: optimizer, /);
    assert.ok(!said.includes(finding.message.replace(/ \[[^\]]*\]$/, "")), "VS Code shows the findings itself");
  }),
  "a page behind a finding's code": borrowing(train, async (document) => {
    await untilShown(document, check(document.uri.fsPath));
    const [finding] = vscode.languages.getDiagnostics(document.uri).filter((d) => d.code?.value === "CKP101");
    const page = await vscode.workspace.openTextDocument(finding.code.target);
    assert.match(page.getText(), /^# missing-optimizer-state \(CKP101\)/);
  }),
  "code lens that completes a checkpoint": borrowing(train, async (document) => {
    await untilShown(document, check(document.uri.fsPath));
    const lenses = await ask("CodeLensProvider", document, 20);
    assert.equal(lenses.length, 1);
    const { title, command, arguments: args } = lenses[0].command;
    assert.match(title, /^checkpoint \d of \d: add /);
    await vscode.commands.executeCommand(command, ...args);
    await until(() => document.getText().includes('"optimizer_state_dict": optimizer.state_dict()'), true);
  }),
  "completion of a checkpoint's key": borrowing(train, async (document) => {
    const at = positionOf(document, 'checkpoint["epoch"]', 'checkpoint["'.length);
    const { items } = await ask("CompletionItemProvider", document, at);
    const labels = items.map((i) => i.label.label ?? i.label);
    for (const key of ["epoch", "model_state_dict", "loss"]) {
      assert.ok(labels.includes(key), `${key} is not among ${labels}`);
    }
  }),
  "definition of a checkpoint's key": borrowing(train, async (document) => {
    const found = await ask("DefinitionProvider", document, positionOf(document, 'checkpoint["epoch"]', 'checkpoint["e'.length));
    const lines = found.map((l) => document.lineAt((l.targetSelectionRange ?? l.targetRange ?? l.range).start.line).text.trim());
    assert.deepEqual(lines, ['"epoch": epoch,']);
  }),
});
