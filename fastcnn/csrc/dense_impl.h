/* Dense layers: y = act(w x + b), w (outputs, inputs), and their gradients.
 *
 * Where the lanes fill vectors (L a multiple of VW), a column is VW images of one block, and the
 * weights are the scalars. With fewer lanes the vectors lie along the inputs. The weight gradient
 * always has its vectors along the inputs: x is transposed, a few vectors of inputs at a time, and
 * no lanes need be summed. */
#include "dense_forward_impl.h"
#include "dense_backward_input_impl.h"
#include "dense_backward_weight_impl.h"

#define DENSE_KERNELS \
    {"dense_forward", "x w ?b >y | activation | alpha", dense_forward, 0, 0, \
     dense_forward_scratch}, \
    {"dense_backward_input", "dy w ?y >dx | activation | alpha", dense_backward_input, 0, 0, \
     dense_backward_input_scratch}, \
    {"dense_backward_weight", "x dy >dw >?db", dense_backward_weight, 0, 0, \
     dense_backward_weight_scratch}
