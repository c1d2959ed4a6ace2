<?php
// php-redis.

require __DIR__ . '/steady.php';

/** phpredis gives false where a server answered an error, and keeps the error. */
function did(Redis $client, $answer)
{
    if ($answer === false && ($error = $client->getLastError()) !== null) {
        $client->clearLastError();
        throw new Exception($error);
    }
    return $answer;
}

$client = new Redis();
$client->connect($host, $port);
same($client->set('{compat}:text', 'value', 100), true);
same($client->get('{compat}:text'), 'value');
same($client->get('none'), false);
same($client->incrBy('{compat}:number', 41), 41);

same($client->pipeline()->get('{compat}:text')->incr('other')->get('none')->exec(), ['value', 1, false]);

$client->watch('{compat}:number');
same($client->multi()->incr('{compat}:number')->get('{compat}:number')->exec(), [42, '42']);

$name = $client->script('load', "return redis.call('GET', KEYS[1]) .. ARGV[1]");
same($client->evalSha($name, ['{compat}:text', '!'], 1), 'value!');
same($client->evalSha($name, ['{compat}:text', '?'], 1), 'value?');

same($client->blPop(['{compat}:queue'], 1), []);
$client->lPush('{compat}:queue', 'job');
same($client->blPop(['{compat}:queue'], 5), ['{compat}:queue', 'job']);

$entry = $client->xAdd('{compat}:stream', '*', ['field' => 'value']);
same($client->xRead(['{compat}:stream' => '0']), ['{compat}:stream' => [$entry => ['field' => 'value']]]);

$names = [];
$cursor = null;
$client->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
while ($page = $client->scan($cursor, '{compat}:t*')) {
    $names = array_merge($names, $page);
}
same($names, ['{compat}:text']);

run(
    ['library' => 'php-redis', 'version' => phpversion('redis'),
        'ran' => ['strings', 'pipeline', 'WATCH and MULTI', 'EVALSHA', 'BLPOP', 'streams', 'SCAN']],
    '{compat}:list',
    function ($number) use ($client) {
        did($client, $client->rPush('{compat}:list', $number));
        did($client, $client->lIndex('{compat}:list', -1));
    },
    fn () => $client->lRange('{compat}:list', 0, -1)
);
