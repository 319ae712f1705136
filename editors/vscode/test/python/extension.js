// Stands in for the Python extension, with the part of its interface that tells the selected environment, as @vscode/python-extension
// 1.0.5 documents it. The selected one is that of the setting python.defaultInterpreterPath.
const path = require("node:path");
const vscode = require("vscode");

const selected = (resource) => {
  const file = vscode.workspace.getConfiguration("python", resource).get("defaultInterpreterPath");
  return { id: file, path: file };
};

async function resolveEnvironment(environment) {
  const file = typeof environment === "string" ? environment : environment.path;
  const folder = path.dirname(path.dirname(file));
  return {
    id: file,
    path: file,
    executable: { uri: vscode.Uri.file(file), bitness: "64-bit", sysPrefix: folder },
    environment: { type: "VirtualEnvironment", name: path.basename(folder), folderUri: vscode.Uri.file(folder), workspaceFolder: undefined },
    version: { major: 3, minor: 12, micro: 0, release: { level: "final", serial: 0 }, sysVersion: "3.12.0" },
    tools: ["Venv"],
  };
}

exports.activate = (context) => {
  const changed = new vscode.EventEmitter();
  context.subscriptions.push(
    changed,
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("python.defaultInterpreterPath")) {
        const resource = vscode.workspace.workspaceFolders?.[0];
        changed.fire({ ...selected(resource), resource });
      }
    }),
  );
  return {
    ready: Promise.resolve(),
    environments: { getActiveEnvironmentPath: selected, resolveEnvironment, onDidChangeActiveEnvironmentPath: changed.event },
  };
};
