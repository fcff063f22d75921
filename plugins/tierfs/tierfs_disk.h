/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tierfs: the format of its media. docs/tierfs-format.md explains it with tables and pictures.
 *
 * All numbers are little endian. A *place* (tierfs_place_t) names a byte of T1: the stable id of a
 * device in the top 16 bits, the offset on that device below; 0 is no place, because block 0 of
 * every device holds the device table. Devices are divided into groups of 2 MiB, groups into
 * chunks of 64 KiB, chunks into blocks of 4 KiB. A chunk has one kind:
 *
 *	fixed	tables and super-blocks		log	logs
 *	inodes	slots of 384 bytes		slabs	small objects of one size
 *	pages	blocks of metadata		data	blocks of files (free chunks too)
 *
 * Everything but data, logs and super-blocks is changed through records of the logs only. Media
 * structs are `const` for everybody but pm.c and the tools that make an image.
 */
#ifndef TIERFS_DISK_H
#define TIERFS_DISK_H

#include <stddef.h>
#include <stdint.h>

#define TIERFS_MAGIC		0x7a746673	/* "sftz": of the device table, statfs, supers */
#define TIERFS_MAJOR		1		/* of the device table: never raised for features */
#define TIERFS_MINOR		0

#define TIERFS_BLOCK_SHIFT	12
#define TIERFS_BLOCK		4096U
#define TIERFS_CHUNK		65536U
#define TIERFS_CHUNK_BLOCKS	16U
#define TIERFS_GROUP_BLOCKS	512U
#define TIERFS_GROUP_CHUNKS	32U
#define TIERFS_LINE		64U

typedef uint64_t tierfs_place_t;

#define TIERFS_PLACE_DEV_SHIFT	48
#define TIERFS_PLACE_OFFSET	(((uint64_t)1 << TIERFS_PLACE_DEV_SHIFT) - 1)

/* ---- super-block: block 1 and last block of each T1 device ---- */

#define TIERFS_SUPER_BLOCK	1
#define TIERFS_LABEL_BYTES	64

/*
 * Features, as those of ext4: an unknown bit of `incompat` refuses every mount, one of `ro_compat`
 * allows read-only mounts alone, `compat` is for information. fsck.tierfs wants to know all.
 */
#define TIERFS_COMPAT_KNOWN	0ULL
#define TIERFS_RO_COMPAT_KNOWN	0ULL
#define TIERFS_INCOMPAT_BASE	(1ULL << 0)	/* set in every image of this format */
#define TIERFS_INCOMPAT_KNOWN	TIERFS_INCOMPAT_BASE
/* reserved for what is to come */
#define TIERFS_INCOMPAT_T2	(1ULL << 1)	/* files have blocks on T2 */
#define TIERFS_INCOMPAT_SNAPS	(1ULL << 2)
#define TIERFS_INCOMPAT_CODECS	(1ULL << 3)
#define TIERFS_INCOMPAT_COPIES	(1ULL << 4)	/* metadata is there twice */
#define TIERFS_INCOMPAT_SHARED	(1ULL << 5)	/* shared-run objects: reflink */
#define TIERFS_INCOMPAT_LISTS	(1ULL << 6)	/* slots as lists of runs */
#define TIERFS_RO_COMPAT_PROJECT (1ULL << 0)	/* project quotas are counted */

enum tierfs_errors {
	TIERFS_ERRORS_CONTINUE		= 0,
	TIERFS_ERRORS_REMOUNT_RO	= 1,
};

struct tierfs_super {
	uint32_t magic;			/* TIERFS_MAGIC */
	uint32_t crc;			/* CRC32C of the block with this field 0 */
	uint64_t sequence;		/* the higher one of two valid copies counts */
	uint64_t compat;
	uint64_t ro_compat;
	uint64_t incompat;
	uint8_t set_uuid[16];
	uint8_t dev_uuid[16];
	uint16_t dev_id;		/* of places; stable, 0 .. 63 */
	uint16_t dev_count;		/* T1 devices of the set */
	uint16_t inode_slot;		/* bytes: 384 */
	uint16_t log_count;
	uint64_t dev_blocks;		/* of this device */
	uint64_t group_table;		/* block on this device: bitmaps, then descriptors */
	/* the rest counts on device 0 only, and is 0 elsewhere */
	uint64_t state_block;		/* two state lines */
	uint64_t root_block;		/* struct tierfs_root */
	uint64_t log_table;		/* block of the first struct tierfs_log_entry */
	uint64_t log_secret;		/* 64 random bits in the checksum of each record */
	uint64_t hash_seed[2];		/* of names */
	int64_t created_ns;
	uint32_t errors;		/* enum tierfs_errors */
	uint32_t error_count;		/* how often metadata was found broken since mkfs */
	int64_t error_ns;		/* the last time */
	char label[TIERFS_LABEL_BYTES];	/* padded with NULs */
	uint8_t zero[TIERFS_BLOCK - 232];
};

/* ---- the state of the set ---- */

/*
 * Two lines at the beginning of the state block, written in turn: the higher number of the valid
 * ones counts. Each mount takes the next number.
 */
struct tierfs_state {
	uint32_t mount;
	uint32_t clean;			/* 1: nothing is to be replayed */
	uint64_t inodes;		/* in use, if clean */
	uint8_t zero[40];
	uint32_t reserved;
	uint32_t crc;			/* CRC32C of the line with this field 0 */
};

/* ---- root block: what hangs on nothing else ---- */

struct tierfs_root {
	uint32_t crc;			/* CRC32C of these 64 bytes with this field 0 */
	uint32_t height;		/* of the tree of inode chunks; 0: there is one chunk */
	tierfs_place_t chunks;		/* its top page, or chunk 0 */
	uint64_t nr_chunks;		/* chunks 0 .. nr - 1 are there */
	uint64_t zero[5];
};

#define TIERFS_ROOT_INO		1	/* the root directory: slot 1 of chunk 0; 0 is no inode */

/* ---- groups ---- */

/*
 * The group table of a device: a bitmap of 64 bytes a group (1 = used), filled up to a block, then
 * a descriptor of 32 bytes a group. A group of zeros is free data.
 */
struct tierfs_group_desc {
	uint32_t crc;			/* of bitmap and kinds, 0 if both are all zero */
	uint16_t used;			/* bits that are set */
	uint16_t bad;			/* blocks that are broken; they are used too */
	uint64_t kinds[2];		/* 4 bits a chunk: enum tierfs_kind */
	uint64_t zero;
};

enum tierfs_kind {
	TIERFS_KIND_DATA	= 0,
	TIERFS_KIND_FIXED	= 1,
	TIERFS_KIND_LOG		= 2,
	TIERFS_KIND_INODES	= 3,
	TIERFS_KIND_SLABS	= 4,
	TIERFS_KIND_PAGES	= 5,
};

/* ---- chunks of metadata ---- */

/*
 * Head of a chunk of inodes, slabs or pages. One word changes together with each word of bits. The
 * head of a chunk of pages fills its first block, the CRCs of its 15 pages follow it there.
 */
struct tierfs_chunk {
	uint32_t crc;			/* CRC32C of these 256 bytes with this field 0 */
	uint16_t used;			/* bits that are set */
	uint16_t kind;			/* enum tierfs_kind */
	uint32_t object_bytes;		/* 384, the class of slabs, 4096 */
	uint32_t reserved;
	uint64_t index;			/* inodes: position in the tree of chunks */
	uint64_t bits[16];		/* 1 = used */
	uint64_t zero[13];
};

#define TIERFS_CHUNK_HEAD	256U
#define TIERFS_INODE_SLOT	384U
#define TIERFS_CHUNK_INODES	170U	/* (64 KiB - 256) / 384 */
#define TIERFS_CHUNK_PAGES	15U	/* bit i: block i + 1 of the chunk */
/*
 * Offset of uint64_t [15]: CRC32C in the low half. 0: the page is not checked, as pages of cells of
 * orphans are not.
 */
#define TIERFS_PAGE_CRCS	256U

#define TIERFS_SLAB_MIN		64U
#define TIERFS_SLAB_MAX		4096U
#define TIERFS_SLAB_CLASSES	7U	/* 64 << class */

/* ---- inodes ---- */

#define TIERFS_SLOTS		12U
#define TIERFS_SLOT_BLOCKS	512U	/* a slot speaks of 2 MiB of the file */
#define TIERFS_PAGE_WORDS	512U

#define TIERFS_INODE_COW	(1U << 0)	/* of own_flags: data=cow */
#define TIERFS_INODE_LINK_SLAB	(1U << 1)	/* symlink: the text is the object at slots[0] */

/*
 * The record of an inode, which is changed by transactions only. Behind it in the slot is the
 * place (128 bytes) of the inode that is shared with the kernel: no mount reads that one.
 * Number = chunk * 170 + slot.
 */
struct tierfs_inode {
	uint32_t crc;			/* CRC32C of these 256 bytes with this field 0 */
	uint16_t version;		/* of this struct: 1 */
	uint16_t mode;			/* 0: the slot was never used, or is free */
	uint32_t uid;
	uint32_t gid;
	uint32_t nlink;
	uint16_t flags;			/* ZUFS_S_* */
	uint16_t own_flags;		/* TIERFS_INODE_* */
	uint64_t size;			/* bytes; a directory: end of its positions */
	uint64_t blocks;		/* of 4 KiB: data, index pages, values of attributes */
	int64_t atime;			/* ns since the epoch */
	int64_t mtime;
	int64_t ctime;
	int64_t btime;
	uint32_t generation;		/* stays when the inode is freed, the next one has + 1 */
	uint32_t rdev;
	tierfs_place_t xattrs;		/* object with all attributes, or 0 */
	uint64_t changes;		/* raised with each transaction of the inode */
	uint32_t project;
	uint8_t policy;			/* of tiering; 0 */
	uint8_t height;			/* of the tree of index pages; 0: slots are the slots */
	uint16_t xattr_bytes;		/* class of the object */
	uint64_t parent;		/* directories: number */
	uint64_t entries;		/* directories: names in it */
	tierfs_place_t hash;		/* directories: hash table, or 0 */
	uint32_t hash_bits;		/* directories: bits that the tables go by */
	uint32_t reserved;
	uint64_t cell;			/* place of its cell of orphans, or 0 */
	uint64_t zero[2];
	uint64_t slots[TIERFS_SLOTS];	/* map, or the text of a symlink with its NUL */
};

#define TIERFS_LINK_INLINE	(TIERFS_SLOTS * 8 - 1)	/* longest text in slots */

/* ---- maps of files ---- */

/*
 * A word of a slot, of an index page or of a slot's page:
 *	0		hole, in an index page: nothing below
 *	run		n blocks from `block` on, the first blocks of the slot; the rest is a hole
 *	page		slot: a page of 512 words, each a run of one block or 0
 *	index		index page: a page of 512 words one level below
 * A tree of height h > 0 has its top page in slots[0], level h; the pages of level 1 hold slots.
 */
#define TIERFS_WORD_FORM_SHIFT	61
#define TIERFS_FORM_RUN		1ULL
#define TIERFS_FORM_PAGE	2ULL	/* slot's page, or index page: by the level */
#define TIERFS_FORM_SHARED	3ULL	/* reserved: a shared-run object */
#define TIERFS_FORM_LIST	4ULL	/* reserved: a list of runs */
#define TIERFS_WORD_TIER	(3ULL << 59)	/* 0 = T1 */
#define TIERFS_WORD_UNWRITTEN	(1ULL << 58)	/* has blocks, reads as zeros */
#define TIERFS_WORD_CHANGED	(1ULL << 57)	/* reserved */
#define TIERFS_WORD_CODEC	(1ULL << 56)	/* reserved */
#define TIERFS_WORD_LEN_SHIFT	46		/* 10 bits: blocks - 1 */
#define TIERFS_WORD_DEV_SHIFT	40		/* 6 bits: id of the device */
#define TIERFS_WORD_BLOCK	((1ULL << 40) - 1)	/* on the device */

#define TIERFS_MAX_HEIGHT	5U
#define TIERFS_MAX_SIZE		INT64_MAX

/* ---- directories ---- */

/*
 * The data of a directory is a linear space of units of 32 bytes: the position of an entry is its
 * offset, and an entry never moves. Positions 0 and 32 are "." and "..", which are not stored. A
 * block begins with a head of two units.
 */
#define TIERFS_UNIT		32U
#define TIERFS_DIR_UNITS	128U	/* of a block */
#define TIERFS_DIR_HEAD_UNITS	2U

struct tierfs_dir_head {
	uint32_t entries;
	uint32_t reserved;
	uint64_t begins[2];		/* bit per unit: an entry begins here */
	uint64_t used[2];		/* bit per unit; the head's own are set */
	uint64_t zero[3];
};

struct tierfs_dirent {
	uint64_t ino;
	uint32_t hash;			/* low half of the name's SipHash */
	uint8_t type;			/* DT_* */
	uint8_t len;			/* of the name; it takes as many units as it needs */
	char name[18];			/* not NUL-terminated, may go on in the next units */
};

/*
 * The hash index of a directory of more than one block (it stays until the directory is empty):
 * extendible hashing by the upper bits of the 32-bit hash. `hash` of the inode is a page of 512
 * words, the table, by bits 31 .. 23. A word points to a bucket, or (TIERFS_HASH_TABLE is set) to a
 * table of the second level, by bits 22 .. 14. A bucket of depth d holds the names that agree in
 * their upper d bits; all 2^(9 - d) or 2^(18 - d) words for them point to it. hash_bits is 9, or 18
 * once there is a table of the second level. An index is taken apart from its end: what follows the
 * first word of 0 in a table is no pointer any more.
 *
 * A cell whose low half is 0 is free. A name is in the first cell that was free, from cell
 * hash % 511 on and around; a search may end at a cell of 0, not at other free ones.
 */
#define TIERFS_BUCKET_CELLS	511U
#define TIERFS_HASH_TABLE	(1ULL << TIERFS_WORD_LEN_SHIFT)
#define TIERFS_HASH_LEVEL_BITS	9U
#define TIERFS_HASH_MAX_BITS	18U
#define TIERFS_CELL_GONE	(1ULL << 32)	/* free, but a search goes on */

struct tierfs_bucket {
	uint16_t depth;			/* local depth */
	uint16_t used;			/* cells that are not free */
	uint32_t reserved;
	uint64_t cells[TIERFS_BUCKET_CELLS];	/* hash << 32 | unit + 1 */
};

/* ---- attributes ---- */

/*
 * All attributes of an inode are one object: this head and entries one after the other, each filled
 * up to 8 bytes. A value of more than TIERFS_XATTR_INLINE bytes lies in blocks of data.
 */
#define TIERFS_XATTR_INLINE	1024U
#define TIERFS_XATTR_RUNS	16U	/* blocks of a value of 64 KiB */
/* One record must free all values of an inode: so many runs, in so many groups of T1. */
#define TIERFS_XATTR_RUNS_ALL	48U
#define TIERFS_XATTR_GROUPS	14U

struct tierfs_xattrs {
	uint32_t crc;			/* CRC32C of the object's first `bytes` with this field 0 */
	uint16_t bytes;			/* in use, with this head */
	uint16_t count;
};

struct tierfs_xattr {
	uint8_t type;			/* ZUFS_XATTR_* */
	uint8_t name_len;		/* without NUL */
	uint16_t bytes;			/* of this entry, a multiple of 8 */
	uint32_t value_len;
	/* name; then, 8-byte aligned, the value, or { uint32_t crc, zero; uint64_t run[16] } */
};

/* ---- logs ---- */

/* A log in the table of logs: 256 bytes. */
struct tierfs_log_entry {
	tierfs_place_t place;		/* 0: there is none */
	uint32_t bytes;			/* a multiple of 4096 */
	uint32_t reserved;
	tierfs_place_t orphans;		/* first page of cells */
	tierfs_place_t intents;		/* 0 */
	uint64_t zero[3];
	uint32_t pad;
	uint32_t crc;			/* CRC32C of these 64 bytes with this field 0 */
	struct tierfs_log_head {
		uint64_t sequence;	/* of the first record */
		uint64_t horizon;	/* records up to this LSN are done with, in every log */
		uint32_t offset;	/* of the first record */
		uint32_t reserved;
		uint64_t generation;	/* of the heads: the higher one of two valid ones counts */
		uint64_t zero[3];
		uint32_t pad;
		uint32_t crc;		/* CRC32C of these 64 bytes with this field 0 */
	} heads[2];
	uint64_t spare[8];
};

/*
 * A record: this head, then entries, then zeros up to a line. An entry is a word
 * (words << 56 | device << 48 | offset) and so many words, which are stored there; one of 0 ends
 * the record. One with the LSN 0 has no entries and fills the end of the log's area: its CRC is
 * that of its head.
 */
struct tierfs_record {
	uint32_t crc;			/* CRC32C of the record, seeded; this field 0 */
	uint32_t bytes;			/* all of it, a multiple of 64 */
	uint64_t sequence;		/* number of the mount << 40 | count; in a row */
	uint64_t lsn;
	uint64_t operation[2];		/* id of the message, or 0 */
	int64_t result;
	uint64_t reserved[2];
};

#define TIERFS_SEQUENCE_MOUNT	40		/* shift: 2^40 records of a log in a mount */
#define TIERFS_MAX_MOUNT	((1U << 24) - 1)
#define TIERFS_ENTRY_WORDS_SHIFT 56
#define TIERFS_ENTRY_MAX_WORDS	255U

/* A page of cells of orphans: numbers of inodes without a name, or 0. */
struct tierfs_cells {
	tierfs_place_t next;
	uint64_t cells[TIERFS_PAGE_WORDS - 1];
};

#define TIERFS_SIZE_IS(type, bytes) \
	_Static_assert(sizeof(struct type) == (bytes), "size of struct " #type)
#define TIERFS_FIELD_AT(type, field, at) \
	_Static_assert(offsetof(struct type, field) == (at), "offset of " #type "." #field)

TIERFS_SIZE_IS(tierfs_super, TIERFS_BLOCK);
TIERFS_FIELD_AT(tierfs_super, dev_id, 72);
TIERFS_FIELD_AT(tierfs_super, label, 168);
TIERFS_SIZE_IS(tierfs_state, TIERFS_LINE);
TIERFS_SIZE_IS(tierfs_root, TIERFS_LINE);
TIERFS_SIZE_IS(tierfs_group_desc, 32);
TIERFS_SIZE_IS(tierfs_chunk, TIERFS_CHUNK_HEAD);
TIERFS_SIZE_IS(tierfs_inode, 256);
TIERFS_FIELD_AT(tierfs_inode, slots, 160);
TIERFS_FIELD_AT(tierfs_inode, parent, 104);
TIERFS_SIZE_IS(tierfs_dir_head, TIERFS_DIR_HEAD_UNITS * TIERFS_UNIT);
TIERFS_SIZE_IS(tierfs_dirent, TIERFS_UNIT);
TIERFS_SIZE_IS(tierfs_bucket, TIERFS_BLOCK);
TIERFS_SIZE_IS(tierfs_xattrs, 8);
TIERFS_SIZE_IS(tierfs_xattr, 8);
TIERFS_SIZE_IS(tierfs_log_entry, 256);
TIERFS_SIZE_IS(tierfs_record, TIERFS_LINE);
TIERFS_SIZE_IS(tierfs_cells, TIERFS_BLOCK);

#endif /* TIERFS_DISK_H */
