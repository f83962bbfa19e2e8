/*
 * process.h - what a program of ours gives up as it starts.
 */
#ifndef BEV_COMMON_PROGRAM_PROCESS_H
#define BEV_COMMON_PROGRAM_PROCESS_H

#include <stdbool.h>

/*
 * Keep the pipe, a file (-1: none) and the standard descriptors, and close what the server left
 * open by mistake; no core files, no new privileges, and no signals that are meant for the server.
 */
extern void bev_process_begin(int pipe_fd, int file_fd);

/* Is this descriptor open, and a socket?  Else the program wasn't started as it should be. */
extern bool bev_process_is_socket(int fd);

#endif /* BEV_COMMON_PROGRAM_PROCESS_H */
