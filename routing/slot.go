package routing

import (
	"bytes"

	"evergate/topology"
)

// crcTable holds the CRC16/XMODEM of each byte: polynomial 0x1021, initial value 0, nothing reflected.
var crcTable = makeCRCTable()

func makeCRCTable() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			carry := crc & 0x8000
			crc <<= 1
			if carry != 0 {
				crc ^= 0x1021
			}
		}
		table[i] = crc
	}
	return table
}

// Slot gives the hash slot of key, 0 to topology.Slots-1, as the Redis Cluster specification says: when the key
// has a '{' and a '}' after it with something in between, only what lies between the first '{' and the first '}'
// after it is hashed.
func Slot(key []byte) int {
	if open := bytes.IndexByte(key, '{'); open >= 0 {
		if n := bytes.IndexByte(key[open+1:], '}'); n > 0 {
			key = key[open+1 : open+1+n]
		}
	}
	var crc uint16
	for _, b := range key {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^b]
	}
	return int(crc % topology.Slots)
}
