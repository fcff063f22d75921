/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * contract.h - GET_MULTY and its PUT_MULTY: blocks that the server keeps in place
 *
 * Every GET that succeeds is followed by exactly one put with the same words, whatever was done
 * with the blocks meanwhile. No put is sent for an answer that holds no block: a page fault that
 * reads a hole, and a write that the server wants as WRITE (ZUFS_RET_BY_WRITE). Between GET and
 * put, direct.c copies and mmap.c makes page table entries.
 */
#ifndef ZUF_CONTRACT_H
#define ZUF_CONTRACT_H

#include "chan.h"
#include "dispatch.h"
#include "sb.h"

/*
 * struct zuf_contract - one contract, on the stack of its caller
 * @io: the message, with room for @pages words behind it (zufs_io_size())
 * @words: the words in that message
 * @op: the operation of the GET; afterwards @op.zc is the CPU whose channel carried it
 * @kept: the put must go through @claim (ZUFS_RET_LOCKED_PUT)
 * @copied: bytes from io->filepos on that a write has copied, which its put tells
 * @may_refuse: the caller can send WRITE instead, if the server answers so
 * @refused: the server has answered so: the answer holds nothing, and no put must be sent
 */
struct zuf_contract {
	struct zuf_sb *zsb;
	struct inode *inode;
	struct zufs_ioc_IO *io;
	u64 *words;
	u32 pages;
	struct zuf_op op;
	struct zuf_claim claim;
	bool kept;
	size_t copied;
	bool may_refuse;
	bool refused;
};

/**
 * zuf_contract_get() - send GET_MULTY for @len bytes from io->filepos on
 * @op_flags: ZUF_OPF_*
 *
 * The caller has set all other input fields of *@c->io (rw, ra).
 * Return: 0: the caller must call zuf_contract_put(), unless @c->refused is set; or -errno.
 */
int zuf_contract_get(struct zuf_contract *c, size_t len, u32 op_flags);

/* Return how many bytes the answer covers, or -EIO; the contract holds in both cases. */
ssize_t zuf_contract_bytes(struct zuf_contract *c, size_t len);

/**
 * zuf_contract_put() - end the contract: at once, or with the next operation of the CPU
 * @at_once: end it at once even if the server does not ask for it
 * Return: 0: the server has executed the put, or will. -errno: the put should have been executed
 * at once, and may never be; or, if zuf_contract_has_result(), what the server says to the write.
 */
int zuf_contract_put(struct zuf_contract *c, bool at_once);

/* Is the result of the put of a write that of write(2)? */
bool zuf_contract_has_result(const struct zuf_contract *c);

#endif
