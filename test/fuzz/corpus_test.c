/*
 * corpus_test.c - runs a fuzzing target over the inputs that are kept, without the
 * fuzzer.  CORPUS is the folder, from the top of the tree.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>

#include "../unit/tap.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static bool
run_file(const char *name)
{
	static uint8_t input[1 << 20];
	char path[4096];
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", CORPUS, name);
	file = fopen(path, "rb");
	if (file == NULL)
		return false;
	size = fread(input, 1, sizeof(input), file);
	fclose(file);
	LLVMFuzzerTestOneInput(input, size);
	return true;
}

int
main(void)
{
	struct dirent **names;
	int n = scandir(CORPUS, &names, NULL, alphasort);
	int ran = 0;

	/* A crash in one of them has its name right above. */
	for (int i = 0; i < n; i++)
	{
		if (names[i]->d_name[0] != '.')
		{
			printf("# %s\n", names[i]->d_name);
			fflush(stdout);
			ran += run_file(names[i]->d_name);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	tap_ok(ran > 0, "the inputs of " CORPUS);
	return tap_done();
}
