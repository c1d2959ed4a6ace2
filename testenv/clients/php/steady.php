<?php
// What the programs of make compat share; see testenv/clients/python/steady.py.

const BEFORE = 50, AFTER = 100, PAUSE = 10000;

[$host, $port] = explode(':', $argv[1]);
$port = (int) $port;

function same($got, $want): void
{
    if ($got !== $want) {
        throw new Exception('got ' . var_export($got, true) . ', want ' . var_export($want, true));
    }
}

/** Writes numbers until told, and reads them back: $readAll gives those found. */
function run(array $about, string $key, callable $write, callable $readAll): void
{
    stream_set_blocking(STDIN, false);
    $errors = $acknowledged = [];
    $told = false;
    for ($tried = 0, $left = AFTER; $left > 0; $tried++) {
        try {
            $write($tried);
            $acknowledged[] = $tried;
        } catch (Exception $error) {
            $text = get_class($error) . ': ' . $error->getMessage();
            $errors[$text] = ($errors[$text] ?? 0) + 1;
        }
        if ($tried === BEFORE) {
            echo "ready $key\n";
        }
        $told = $told || fgets(STDIN) !== false;
        $left -= (int) $told;
        usleep(PAUSE);
    }
    $found = array_count_values(array_map('intval', $readAll()));
    echo json_encode($about + [
        'settings' => '', 'operations' => $tried, 'acknowledged' => count($acknowledged),
        'missing' => count(array_filter($acknowledged, fn ($number) => !isset($found[$number]))),
        'twice' => count(array_filter($found, fn ($times) => $times > 1)), 'errors' => (object) $errors,
    ]), "\n";
}
