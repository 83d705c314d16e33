/* What -h prints. */
#ifndef HELP_H
#define HELP_H

void help_print(void);
void help_print_inventory(void);
void help_print_canary(void);
void help_print_events(void);

#endif
