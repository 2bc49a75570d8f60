#include "bridge/core/cmi_decode.h"

#include "bridge/core/cmi_path.h"
#include "bridge/core/datetime.h"
#include "bridge/core/guid.h"
#include "bridge/core/mask.h"
#include "bridge/core/num.h"

#include <assert.h>
#include <inttypes.h>

