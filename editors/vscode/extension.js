// Starts `zenowasm dap` for each debugging session; everything else is the adapter's.
const vscode = require('vscode');

/** Returns the adapter of a session: the command of the settings, in the session's folder. */
function createDebugAdapterDescriptor(session) {
  const folder = session.workspaceFolder;
  const command = vscode.workspace.getConfiguration('zenowasm', folder).get('command', 'zenowasm');
  return new vscode.DebugAdapterExecutable(command, ['dap'], folder ? {cwd: folder.uri.fsPath} : {});
}

/** Completes a session without a configuration, as F5 starts it; `null` opens launch.json. */
function resolveDebugConfiguration(folder, configuration) {
  if (configuration.type) {
    return configuration;
  }
  const program = vscode.window.activeTextEditor?.document.uri.fsPath;
  const isProgram = program && /\.(zl|wasm|wat)$/.test(program);
  return isProgram ? {type: 'zenowasm', request: 'launch', name: 'Debug this file', program} : null;
}

function activate(context) {
  context.subscriptions.push(
    vscode.debug.registerDebugAdapterDescriptorFactory('zenowasm', {createDebugAdapterDescriptor}),
    vscode.debug.registerDebugConfigurationProvider('zenowasm', {resolveDebugConfiguration}),
  );
}

module.exports = {activate};
