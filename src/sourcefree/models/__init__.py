"""Networks: classifiers with named features, translators, discriminators, and how they are saved and loaded."""
