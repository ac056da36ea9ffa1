package kv

// geoCommands are the commands on places.
var geoCommands = map[string]handler{}
