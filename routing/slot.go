package routing

import (
	"bytes"

	"evergate/topology"
)

// crcTables[n] has the CRC16/XMODEM of each byte with n zero bytes after it: polynomial 0x1021, initial value 0,
// nothing reflected. Four tables look up four bytes at once instead of one after the other, which matters: every key of
// a sharded view is hashed.
var crcTables = makeCRCTables()

func makeCRCTables() (tables [4][256]uint16) {
	for i := range 256 {
		crc := uint16(i) << 8
		for n := range tables {
			for range 8 {
				carry := crc & 0x8000
				crc <<= 1
				if carry != 0 {
					crc ^= 0x1021
				}
			}
			tables[n][i] = crc
		}
	}
	return tables
}

// Slot returns the hash slot of key, 0 to topology.Slots-1, as the Redis Cluster specification defines it: if the key
// has a '{' and a '}' after it with something in between, only the bytes between the first '{' and the first '}' after
// it are hashed.
func Slot(key []byte) int {
	if open := bytes.IndexByte(key, '{'); open >= 0 {
		if n := bytes.IndexByte(key[open+1:], '}'); n > 0 {
			key = key[open+1 : open+1+n]
		}
	}
	var crc uint16
	t := &crcTables
	for ; len(key) >= 4; key = key[4:] {
		crc = t[3][key[0]^byte(crc>>8)] ^ t[2][key[1]^byte(crc)] ^ t[1][key[2]] ^ t[0][key[3]]
	}
	for _, b := range key {
		crc = crc<<8 ^ t[0][byte(crc>>8)^b]
	}
	return int(crc % topology.Slots)
}
